-- A trigger that changes the claims before the new row is asked about: whoever puts it in is its owner then.
create table public.notes (id uuid primary key, user_id uuid, mark text);
alter table public.notes enable row level security;
create policy p on public.notes using (user_id = auth.uid());
create function public.pose() returns trigger language plpgsql as
$$ begin perform set_config('request.jwt.claims', json_build_object('sub', new.user_id)::text, true); return new; end $$;
create trigger t before insert on public.notes for each row when (new.user_id is not null) execute function public.pose();
-- @seed
insert into public.notes select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
-- @measures
authenticated public.notes own some own own
anon public.notes none some none none
