-- What signing up writes, which is what ordinary users have: constants beside the defaults, and what the client said of itself.
create table public.profiles (id uuid primary key references auth.users, mark text, role text not null default 'guest', team text, club text, email text);
alter table public.profiles enable row level security;
create policy own on public.profiles for select using (id = auth.uid());
create table public.badges (user_id uuid primary key, state text not null default 'new');
create table public.testers (user_id uuid primary key);
create function public.make_profile() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into public.profiles (id, mark, role, team, club, email)
  values (new.id, '[p' || left(new.id::text, 1) || ']', 'member', coalesce(new.raw_user_meta_data ->> 'team', 'red'), 'all', new.email);
  insert into public.badges (user_id) values (new.id);
  if new.email like '%@example.org' then insert into public.testers (user_id) values (new.id); end if;
  return new;
end $$;
create trigger make_profile after insert on auth.users for each row execute function public.make_profile();
create function public.set_state() returns trigger language plpgsql as $$ begin new.state := 'ok'; return new; end $$;
create trigger set_state before insert on public.badges for each row execute function public.set_state();
create table public.by_role (id int primary key, x text);
alter table public.by_role enable row level security;
create policy p on public.by_role for select using (exists (select from public.profiles p where p.id = auth.uid() and p.role = 'member'));
create table public.by_default (id int primary key, x text);
alter table public.by_default enable row level security;
create policy p on public.by_default for select using (exists (select from public.profiles p where p.id = auth.uid() and p.role = 'guest'));
create table public.by_my_team (id int primary key, team text);
alter table public.by_my_team enable row level security;
create policy p on public.by_my_team for select using (team = (select p.team from public.profiles p where p.id = auth.uid()));
create table public.by_red_team (id int primary key, x text);
alter table public.by_red_team enable row level security;
create policy p on public.by_red_team for select using (exists (select from public.profiles p where p.id = auth.uid() and p.team = 'red'));
create table public.by_club (id int primary key, club text);
alter table public.by_club enable row level security;
create policy p on public.by_club for select using (exists (select from public.profiles p where p.id = auth.uid() and p.club = by_club.club));
create table public.by_address (id int primary key, email text);
alter table public.by_address enable row level security;
create policy p on public.by_address for select using (email = (select p.email from public.profiles p where p.id = auth.uid()));
create function public.has_badge() returns boolean language sql stable security definer set search_path = '' as
$$ select exists (select from public.badges b where b.user_id = auth.uid() and b.state = 'ok') $$;
create table public.by_state (id int primary key, x text);
alter table public.by_state enable row level security;
create policy p on public.by_state for select using (public.has_badge());
create table public.by_tester (id int primary key, x text);
alter table public.by_tester enable row level security;
create policy p on public.by_tester for select using (exists (select from public.testers t where t.user_id = auth.uid()));
-- @seed
insert into public.by_role values (1, 'a'), (2, 'b');
insert into public.by_default values (1, 'a'), (2, 'b');
insert into public.by_my_team values (1, 'red'), (2, 'blue');
insert into public.by_red_team values (1, 'a'), (2, 'b');
insert into public.by_club values (1, 'all'), (2, 'few');
insert into public.by_address values (1, 'a@example.com'), (2, 'z@example.com');
insert into public.by_state values (1, 'a'), (2, 'b');
insert into public.testers values ('cccccccc-0000-4000-8000-000000000001');
insert into public.by_tester values (1, 'a'), (2, 'b');
-- @measures
authenticated public.by_tester none none none none
authenticated public.by_role all none none none
authenticated public.by_default none none none none
authenticated public.by_my_team some none none none
authenticated public.by_red_team all none none none
authenticated public.by_club some none none none
authenticated public.by_address some none none none
authenticated public.by_state all none none none
