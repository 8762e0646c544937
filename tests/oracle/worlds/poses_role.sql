-- A function with its caller's own rights that becomes another role, as the API's login may.
create table public.notes (id uuid primary key, user_id uuid, mark text);
alter table public.notes enable row level security;
create policy p on public.notes using (user_id = auth.uid());
create table public.shut (id uuid primary key, user_id uuid, mark text);
alter table public.shut enable row level security;
create function public.marks() returns setof text language plpgsql as
$$ begin set local role service_role; return query select mark from public.notes union all select mark from public.shut; end $$;
-- @seed
insert into public.notes select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.shut select id, user_id, mark || 's' from public.notes;
-- @calls
select * from public.marks()
-- @measures
anon public.notes all none none none
authenticated public.notes all own own own
anon public.shut all none none none
