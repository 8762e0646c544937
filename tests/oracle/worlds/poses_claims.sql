-- A function with its caller's own rights that changes the claims, so that it asks as whomever it is told to.
create table public.notes (id uuid primary key, user_id uuid, mark text);
alter table public.notes enable row level security;
create policy p on public.notes using (user_id = auth.uid());
create table public.published (id uuid primary key, user_id uuid, mark text, public boolean);
alter table public.published enable row level security;
create policy p on public.published using (public);
create view public.mine as select * from public.published where user_id = auth.uid();
create function public.notes_of(who text) returns setof public.notes language plpgsql as
$$ begin perform set_config('request.jwt.claims', json_build_object('sub', who)::text, true); return query select * from public.notes; end $$;
create function public.remove_of(who text) returns void language sql as
$$ select set_config('request.jwt.claim.sub', who, true); delete from public.notes $$;
-- @seed
insert into public.notes select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.published select id, user_id, mark || 'p', mark ~ '1' from public.notes;
-- @calls
select * from public.notes_of('bbbbbbbb-0000-4000-8000-000000000001')
select public.remove_of('bbbbbbbb-0000-4000-8000-000000000001')
-- @measures
anon public.notes some none none some
authenticated public.notes some own own some
