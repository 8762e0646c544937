-- Policies for a role that is inherited, privileges of PUBLIC, schemas that cannot be used, tables of other owners.
create schema closed;
create table closed.hidden (id uuid primary key, user_id uuid, mark text);
grant all on closed.hidden to anon, authenticated;
create view public.window as select * from closed.hidden;
create view public.window_i with (security_invoker = on) as select * from closed.hidden;
create table public.for_group (id uuid primary key, user_id uuid, mark text);
alter table public.for_group enable row level security;
create policy a on public.for_group for select to oracle_group using (true);
create table public.of_public (id uuid primary key, user_id uuid, mark text);
revoke all on public.of_public from anon, authenticated;
grant select, delete on public.of_public to public;
grant insert on public.of_public to oracle_group;
create table public.no_select (id uuid primary key, user_id uuid, mark text);
revoke select on public.no_select from anon, authenticated;
create table public.no_select_rls (id uuid primary key, user_id uuid, mark text);
revoke select on public.no_select_rls from anon, authenticated;
alter table public.no_select_rls enable row level security;
create policy a on public.no_select_rls using (user_id = auth.uid());
create table public.theirs (id uuid primary key, user_id uuid, mark text);
alter table public.theirs enable row level security;
-- @seed
grant oracle_group to authenticated;
alter table public.theirs owner to oracle_group;
insert into closed.hidden select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.for_group select id, user_id, mark || 'g' from closed.hidden;
insert into public.of_public select id, user_id, mark || 'p' from closed.hidden;
insert into public.no_select select id, user_id, mark || 's' from closed.hidden;
insert into public.no_select_rls select id, user_id, mark || 'r' from closed.hidden;
insert into public.theirs select id, user_id, mark || 't' from closed.hidden;
