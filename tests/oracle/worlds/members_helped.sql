-- Members known by helpers that run as their owner: of one organisation, as a set, as an array.
create table public.orgs (id uuid primary key, mark text);
alter table public.orgs enable row level security;
create table public.members (org_id uuid not null references public.orgs, user_id uuid not null references auth.users, mark text,
  primary key (org_id, user_id));
alter table public.members enable row level security;
create function public.is_member(org uuid) returns boolean language sql stable security definer set search_path = '' as
'select exists (select 1 from public.members m where m.org_id = org and m.user_id = (select auth.uid()))';
create function public.is_member_pl(org uuid) returns boolean language plpgsql stable security definer set search_path = '' as
$$ declare found_one boolean; begin
  select true into found_one from public.members m where m.org_id = org and m.user_id = auth.uid();
  return coalesce(found_one, false);
end $$;
create function public.my_orgs() returns setof uuid language sql stable security definer set search_path = '' as
'select m.org_id from public.members m where m.user_id = auth.uid()';
create function public.my_org_array() returns uuid[] language sql stable security definer set search_path = '' as
'select coalesce(array_agg(m.org_id), ''{}'') from public.members m where m.user_id = auth.uid()';
create function public.is_member_of(org uuid, who uuid) returns boolean language sql stable security definer set search_path = '' as
'select exists (select from public.members m where m.org_id = org and m.user_id = who)';
create policy own on public.members for select using (user_id = auth.uid());
create table public.of_member (id uuid primary key, org_id uuid, mark text);
alter table public.of_member enable row level security;
create policy p on public.of_member using (public.is_member(org_id));
create table public.of_member_wrapped (id uuid primary key, org_id uuid, mark text);
alter table public.of_member_wrapped enable row level security;
create policy p on public.of_member_wrapped using ((select public.is_member(org_id)));
create table public.of_plpgsql (id uuid primary key, org_id uuid, mark text);
alter table public.of_plpgsql enable row level security;
create policy p on public.of_plpgsql using (public.is_member_pl(org_id));
create table public.of_set (id uuid primary key, org_id uuid, mark text);
alter table public.of_set enable row level security;
create policy p on public.of_set using (org_id in (select public.my_orgs()));
create table public.of_set_from (id uuid primary key, org_id uuid, mark text);
alter table public.of_set_from enable row level security;
create policy p on public.of_set_from using (exists (select from public.my_orgs() mine where mine = org_id));
create table public.of_array (id uuid primary key, org_id uuid, mark text);
alter table public.of_array enable row level security;
create policy p on public.of_array using (org_id = any (public.my_org_array()));
create table public.of_anybody (id uuid primary key, org_id uuid, mark text);
alter table public.of_anybody enable row level security;
create policy p on public.of_anybody using (public.is_member_of(org_id, auth.uid()));
-- @seed
insert into public.orgs select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[o%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.members select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[m%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.of_member select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.of_member_wrapped select id, org_id, mark || 'x1' from public.of_member;
insert into public.of_plpgsql select id, org_id, mark || 'x2' from public.of_member;
insert into public.of_set select id, org_id, mark || 'x3' from public.of_member;
insert into public.of_set_from select id, org_id, mark || 'x4' from public.of_member;
insert into public.of_array select id, org_id, mark || 'x5' from public.of_member;
insert into public.of_anybody select id, org_id, mark || 'x6' from public.of_member;
-- @measures
authenticated public.members own none none none
authenticated public.of_anybody own own own own
authenticated public.of_array own own own own
authenticated public.of_member own own own own
authenticated public.of_member_wrapped own own own own
authenticated public.of_plpgsql own own own own
authenticated public.of_set own own own own
authenticated public.of_set_from own own own own
authenticated public.orgs none none none none
