-- Owners: tables and views of different roles, with FORCE and without, and policies for the owner of a view.
create table public.of_group (id uuid primary key, user_id uuid, mark text);
alter table public.of_group enable row level security;
create table public.of_group_forced (id uuid primary key, user_id uuid, mark text);
alter table public.of_group_forced enable row level security;
create table public.of_us (id uuid primary key, user_id uuid, mark text);
alter table public.of_us enable row level security;
create table public.of_us_forced (id uuid primary key, user_id uuid, mark text);
alter table public.of_us_forced enable row level security;
create table public.for_group (id uuid primary key, user_id uuid, mark text);
alter table public.for_group enable row level security;
create table public.for_group_forced (id uuid primary key, user_id uuid, mark text);
alter table public.for_group_forced enable row level security;
create table public.below_forced (id uuid primary key, user_id uuid, mark text);
alter table public.below_forced enable row level security;
create table public.below_plain (id uuid primary key, user_id uuid, mark text);
alter table public.below_plain enable row level security;
create table public.mat_forced (id uuid primary key, user_id uuid, mark text);
alter table public.mat_forced enable row level security;
create policy a on public.of_us_forced for select to oracle_group using (user_id is null);
create policy a on public.for_group for select to oracle_group using (user_id = auth.uid());
create policy b on public.for_group for update to oracle_group using (user_id = auth.uid());
create policy a on public.for_group_forced for all to oracle_group using (user_id is null) with check (true);
alter table public.of_group_forced force row level security;
alter table public.of_us_forced force row level security;
alter table public.for_group_forced force row level security;
alter table public.below_forced force row level security;
alter table public.mat_forced force row level security;
create policy a on public.below_forced for select to postgres using (user_id = auth.uid());
create policy b on public.below_forced for delete to postgres using (true);
create policy a on public.mat_forced for select to postgres using (user_id is null);
create view public.v_of_group as select * from public.of_group;
create view public.v_of_group_forced as select * from public.of_group_forced;
create view public.v_of_us as select * from public.of_us;
create view public.v_for_group as select * from public.for_group;
create view public.v_for_group_forced as select * from public.for_group_forced;
create view public.v_of_us_forced as select * from public.of_us_forced;
create view public.v_below_forced as select * from public.below_forced;
create view public.v_below_plain as select * from public.below_plain;
create materialized view public.m_forced as select * from public.mat_forced;
create function public.f_of_us() returns setof text language sql stable security definer set search_path = '' as 'select mark from public.of_us';
create function public.f_forced() returns setof text language sql stable security definer set search_path = '' as 'select mark from public.below_forced';
grant select, insert, update, delete on public.of_us, public.for_group, public.for_group_forced, public.of_us_forced to oracle_group;
grant select (id, mark) on public.below_plain to oracle_group;
-- @seed
insert into public.of_group select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.of_group_forced select id, user_id, mark || 'x1' from only public.of_group;
insert into public.of_us select id, user_id, mark || 'x2' from only public.of_group;
insert into public.of_us_forced select id, user_id, mark || 'x3' from only public.of_group;
insert into public.for_group select id, user_id, mark || 'x4' from only public.of_group;
insert into public.for_group_forced select id, user_id, mark || 'x5' from only public.of_group;
insert into public.below_forced select id, user_id, mark || 'x6' from only public.of_group;
insert into public.below_plain select id, user_id, mark || 'x7' from only public.of_group;
insert into public.mat_forced select id, user_id, mark || 'x8' from only public.of_group;
grant usage on schema public to oracle_group;
grant select on all tables in schema public to oracle_group;
revoke select on public.below_plain from oracle_group;
alter table public.of_group owner to oracle_group;
alter table public.of_group_forced owner to oracle_group;
alter view public.v_of_us owner to oracle_group;
alter view public.v_for_group owner to oracle_group;
alter view public.v_for_group_forced owner to oracle_group;
alter view public.v_of_us_forced owner to oracle_group;
alter view public.v_below_plain owner to oracle_group;
alter function public.f_of_us() owner to oracle_group;
refresh materialized view public.m_forced;
-- @calls
select * from public.f_of_us()
select * from public.f_forced()
