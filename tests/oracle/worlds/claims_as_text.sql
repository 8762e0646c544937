-- A claim that is read as a text, and made JSON again.
create function public.is_super_admin() returns boolean language plpgsql stable set search_path = '' as
$$ declare answer boolean; begin
  select (auth.jwt() ->> 'app_metadata')::jsonb ->> 'role' = 'super-admin' into answer;
  return coalesce(answer, false);
end $$;
create table public.by_role (id uuid primary key, user_id uuid, mark text);
alter table public.by_role enable row level security;
create policy p on public.by_role for select using (public.is_super_admin());
create table public.own_or_role (id uuid primary key, user_id uuid, mark text);
alter table public.own_or_role enable row level security;
create policy p on public.own_or_role for select using (user_id = auth.uid() or public.is_super_admin());
create table public.by_word (id uuid primary key, user_id uuid, mark text);
alter table public.by_word enable row level security;
create policy p on public.by_word for select using ((auth.jwt() ->> 'user_metadata')::jsonb ->> 'role' = 'super-admin');
-- @seed
insert into public.by_role select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.own_or_role select id, user_id, mark || 'x1' from public.by_role;
insert into public.by_word select id, user_id, mark || 'x2' from public.by_role;
-- @claims
{"user_metadata": {"role": "super-admin"}, "app_metadata": {}}
-- @measures
authenticated public.by_role none none none none
authenticated public.own_or_role own none none none
authenticated public.by_word all none none none
