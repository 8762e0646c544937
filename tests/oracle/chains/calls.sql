-- Functions with their owner's rights that make rows for whoever calls them.
create table public.profiles (id uuid primary key references auth.users, role text not null default 'user');
create table public.teams (id uuid primary key, is_public boolean not null);
create table public.members (
  team_id uuid not null references public.teams, user_id uuid not null references auth.users, level text not null,
  primary key (team_id, user_id));
create table public.codes (id uuid primary key, team_id uuid not null references public.teams, code text not null unique);
create table public.guests (
  team_id uuid not null references public.teams, user_id uuid not null references auth.users,
  primary key (team_id, user_id));
create table public.staff (id uuid primary key references auth.users, role text not null);
alter table public.profiles enable row level security;
alter table public.teams enable row level security;
alter table public.members enable row level security;
alter table public.codes enable row level security;
alter table public.guests enable row level security;
alter table public.staff enable row level security;
create policy own on public.profiles for select using (id = auth.uid());
create policy own on public.members for select using (user_id = auth.uid());
create policy own on public.guests for select using (user_id = auth.uid());
create policy own on public.staff for select using (id = auth.uid());
create function public.set_my_role(r text) returns void language sql security definer set search_path = '' as $$
  update public.profiles set role = r where id = auth.uid() $$;
create function public.set_staff_role(r text) returns void language plpgsql security definer set search_path = '' as $$
begin
  if r not in ('reader', 'writer') then raise exception 'no'; end if;
  update public.staff set role = r where id = auth.uid();
end $$;
create function public.join_team(t uuid, l text) returns void language plpgsql security definer set search_path = '' as $$
begin
  if not exists (select from public.teams where id = t and is_public) then raise exception 'no'; end if;
  insert into public.members (team_id, user_id, level) values (t, auth.uid(), l);
end $$;
create function public.redeem(c text) returns void language plpgsql security definer set search_path = '' as $$
declare t uuid;
begin
  select team_id into t from public.codes where code = c;
  if t is null then raise exception 'no'; end if;
  insert into public.guests (team_id, user_id) values (t, auth.uid());
end $$;
create table public.clubs (id uuid primary key default gen_random_uuid(), name text);
create table public.fellows (
  club_id uuid not null references public.clubs, user_id uuid not null references auth.users, level text not null,
  primary key (club_id, user_id));
create table public.firms (id uuid primary key default gen_random_uuid(), name text unique);
create table public.partners (
  firm_id uuid not null references public.firms, user_id uuid not null references auth.users,
  primary key (firm_id, user_id));
alter table public.clubs enable row level security;
alter table public.fellows enable row level security;
alter table public.firms enable row level security;
alter table public.partners enable row level security;
create policy own on public.fellows for select using (user_id = auth.uid());
create policy own on public.partners for select using (user_id = auth.uid());
create function public.found_club(n text) returns uuid language plpgsql security definer set search_path = '' as $$
declare c uuid;
begin
  insert into public.clubs (name) values (n) returning id into c;
  insert into public.fellows (club_id, user_id, level) values (c, auth.uid(), 'founder');
  return c;
end $$;
create function public.found_firm(n text) returns uuid language plpgsql security definer set search_path = '' as $$
declare f uuid;
begin
  insert into public.firms (name) values (n) on conflict (name) do update set name = excluded.name returning id into f;
  insert into public.partners (firm_id, user_id) values (f, auth.uid());
  return f;
end $$;
create table public.games (id uuid primary key, club_id uuid not null references public.clubs, mark text);
create table public.deals (id uuid primary key, firm_id uuid not null references public.firms, mark text);
alter table public.games enable row level security;
alter table public.deals enable row level security;
create policy p on public.games using (exists (
  select from public.fellows f where f.club_id = games.club_id and f.user_id = auth.uid()));
create policy p on public.deals using (exists (
  select from public.partners p where p.firm_id = deals.firm_id and p.user_id = auth.uid()));
create table public.clerks (id uuid primary key references auth.users, role text not null, nick text);
create table public.aides (id uuid primary key references auth.users, role text not null, nick text);
create table public.guards (id uuid primary key references auth.users, role text not null, nick text);
alter table public.clerks enable row level security;
alter table public.aides enable row level security;
alter table public.guards enable row level security;
create policy own on public.clerks for select using (id = auth.uid());
create policy own on public.aides for select using (id = auth.uid());
create policy own on public.guards for select using (id = auth.uid());
create function public.set_nick(n text) returns void language sql security definer set search_path = '' as $$
  update public.clerks set nick = n where id = auth.uid() $$;
create function public.set_aides_nick(n text) returns void language sql security definer set search_path = '' as $$
  update public.aides set nick = n where id = auth.uid() $$;
create function public.named_so() returns trigger language plpgsql as $$ begin new.role := new.nick; return new; end $$;
create trigger named_so before update on public.aides for each row execute function public.named_so();
create function public.guard(n text) returns void language sql security definer set search_path = '' as $$
  insert into public.guards (id, role) values (auth.uid(), 'guard')
  on conflict (id) do update set nick = n, role = coalesce(n, excluded.role) $$;
create table public.bills (id uuid primary key, mark text);
create table public.plans (id uuid primary key, mark text);
create table public.keys (id uuid primary key, mark text);
alter table public.bills enable row level security;
alter table public.plans enable row level security;
alter table public.keys enable row level security;
create policy p on public.bills using (exists (select from public.clerks where id = auth.uid() and role = 'admin'));
create policy p on public.plans using (exists (select from public.aides where id = auth.uid() and role = 'admin'));
create policy p on public.keys using (exists (select from public.guards where id = auth.uid() and role = 'admin'));
create table public.notes (id uuid primary key, mark text);
create table public.docs (id uuid primary key, team_id uuid not null references public.teams, mark text);
create table public.drafts (id uuid primary key, team_id uuid not null references public.teams, mark text);
create table public.orders (id uuid primary key, mark text);
alter table public.notes enable row level security;
alter table public.docs enable row level security;
alter table public.drafts enable row level security;
alter table public.orders enable row level security;
create policy p on public.notes using (exists (select from public.profiles where id = auth.uid() and role = 'admin'));
create policy p on public.docs using (exists (
  select from public.members m where m.team_id = docs.team_id and m.user_id = auth.uid()));
create policy p on public.drafts using (exists (
  select from public.guests g where g.team_id = drafts.team_id and g.user_id = auth.uid()));
create policy p on public.orders using (exists (select from public.staff where id = auth.uid() and role = 'admin'));
-- @seed
insert into public.teams values ('aaaaaaaa-0000-4000-8000-200000000001', true), ('bbbbbbbb-0000-4000-8000-200000000001', false);
insert into public.codes select gen_random_uuid(), id, 'code ' || id from public.teams;
insert into public.docs select gen_random_uuid(), id, left(id::text, 3) from public.teams;
insert into public.drafts select gen_random_uuid(), id, left(id::text, 3) from public.teams;
insert into public.notes values (gen_random_uuid(), 'n');
insert into public.orders values (gen_random_uuid(), 'o');
insert into public.profiles select id from auth.users;
insert into public.staff select id, 'reader' from auth.users;
insert into public.clerks select id, 'clerk' from auth.users;
insert into public.aides select id, 'aide' from auth.users;
insert into public.bills values (gen_random_uuid(), 'b');
insert into public.plans values (gen_random_uuid(), 'p');
insert into public.keys values (gen_random_uuid(), 'k');
insert into public.clubs (name) values ('a'), ('b');
insert into public.firms (name) values ('admin'), ('b');
insert into public.games select gen_random_uuid(), id, name from public.clubs;
insert into public.deals select gen_random_uuid(), id, name from public.firms;
-- @values
admin
-- @expected
authenticated public.notes all all all all
authenticated public.docs unknown unknown unknown unknown
authenticated public.drafts unknown unknown unknown unknown
authenticated public.orders unknown unknown unknown unknown
authenticated public.games own own own own
authenticated public.deals unknown unknown unknown unknown
authenticated public.bills none none none none
authenticated public.plans unknown unknown unknown unknown
authenticated public.keys unknown unknown unknown unknown
anon public.notes none none none none
