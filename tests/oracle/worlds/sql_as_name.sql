-- A table that is handed to the server by name.
create table public.read_so (id uuid primary key, user_id uuid, mark text);
alter table public.read_so enable row level security;
create function public.f() returns xml language sql security definer set search_path = '' as 'select pg_catalog.table_to_xml(''public.read_so''::regclass, true, false, '''')';
-- @seed
insert into public.read_so select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
-- @calls
select * from public.f()
