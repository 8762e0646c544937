-- Materialized views: filtered, over a view, not populated by whoever reads, and read by views in turn.
create table public.notes (id uuid primary key, user_id uuid, mark text, published boolean not null);
alter table public.notes enable row level security;
create policy own on public.notes using (user_id = auth.uid());
create materialized view public.every as select * from public.notes;
create materialized view public.published as select id, mark from public.notes where published;
create materialized view public.asked as select mark from public.notes where user_id = auth.uid();
create materialized view public.grouped as select string_agg(mark, ' ') as marks from public.notes;
create materialized view public.closed as select * from public.notes;
revoke all on public.closed from anon, authenticated;
create view public.over_closed as select mark from public.closed;
create view public.over_closed_own as select mark from public.closed where user_id = auth.uid();
create view public.over_closed_i with (security_invoker = on) as select mark from public.closed;
create view public.over_every_i with (security_invoker = on) as select mark from public.every;
-- @seed
insert into public.notes select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n), n = 2
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
refresh materialized view public.every;
refresh materialized view public.published;
select set_config('request.jwt.claims', '{"sub": "aaaaaaaa-0000-4000-8000-000000000001"}', false);
refresh materialized view public.asked;
refresh materialized view public.grouped;
refresh materialized view public.closed;
