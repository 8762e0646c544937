-- A function with its caller's own rights that runs what it is given: it may be that another role asks.
create table public.notes (id uuid primary key, user_id uuid, mark text);
alter table public.notes enable row level security;
create policy p on public.notes using (user_id = auth.uid());
create function public.run(command text) returns setof text language plpgsql as
$$ begin execute command; return query select mark from public.notes; end $$;
-- @seed
insert into public.notes select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
-- @calls
select * from public.run('set local role service_role')
-- @measures
anon public.notes all none none none
authenticated public.notes all own own own
