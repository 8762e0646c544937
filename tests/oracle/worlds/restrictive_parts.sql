-- Restrictive policies for a group, on a part or the whole; INSERT with RETURNING where columns are granted one by one.
do $$ declare one text; begin
  for one in select unnest(array['r_whole', 'r_part', 'r_both', 'r_group', 'r_permissive_group', 'r_insert', 'r_returning']) loop
    execute format('create table public.%I (id uuid not null, user_id uuid, mark text, year int not null) partition by list (year)', one);
    execute format('create table public.%I partition of public.%I for values in (1)', one || '_1', one);
    execute format('create table public.%I partition of public.%I default', one || '_2', one);
    execute format('alter table public.%I enable row level security', one);
    execute format('alter table public.%I enable row level security', one || '_1');
    execute format('alter table public.%I enable row level security', one || '_2');
  end loop;
end $$;
-- The whole's says nothing of a part that is addressed.
create policy p on public.r_whole using (true);
create policy r on public.r_whole as restrictive using (user_id = auth.uid());
create policy p on public.r_whole_1 using (true);
create policy p on public.r_part using (true);
create policy p on public.r_part_1 using (true);
create policy r on public.r_part_1 as restrictive using (user_id = auth.uid());
create policy p on public.r_both using (user_id is null);
create policy r on public.r_both as restrictive using (year = 1);
create policy p on public.r_both_1 using (user_id = auth.uid());
create policy r on public.r_both_1 as restrictive for select using (mark is not null);
create policy r on public.r_both_2 as restrictive using (true);
create policy p on public.r_group using (true);
create policy r on public.r_group as restrictive to oracle_group using (false);
create policy d on public.r_group as restrictive for delete to anon using (false);
create policy p on public.r_permissive_group to oracle_group using (true);
create policy r on public.r_permissive_group as restrictive to anon using (false);
create policy p on public.r_permissive_group_1 to oracle_group, anon using (user_id is null);
create policy i on public.r_insert for insert with check (true);
create policy r on public.r_insert as restrictive for insert to authenticated with check (year = 1 and user_id = auth.uid());
create policy i on public.r_insert_1 for insert with check (user_id is null);
create policy i on public.r_returning for insert with check (true);
create policy s on public.r_returning for select using (user_id = auth.uid());
-- Columns one by one.
create table public.g_returning (id uuid primary key default gen_random_uuid(), user_id uuid default auth.uid(), mark text);
alter table public.g_returning enable row level security;
create policy i on public.g_returning for insert with check (true);
create policy s on public.g_returning for select using (user_id = auth.uid());
revoke all on public.g_returning from anon, authenticated;
grant insert (mark) on public.g_returning to anon, authenticated;
grant select (id) on public.g_returning to authenticated;
create table public.g_hidden (id uuid primary key default gen_random_uuid(), user_id uuid, mark text);
alter table public.g_hidden enable row level security;
create policy i on public.g_hidden for insert with check (user_id is null or user_id = auth.uid());
create policy u on public.g_hidden for update using (true) with check (user_id = auth.uid());
revoke all on public.g_hidden from anon, authenticated;
grant insert (id, mark) on public.g_hidden to anon;
grant insert (id, user_id, mark), update (user_id) on public.g_hidden to authenticated;
create table public.g_restr (id uuid primary key default gen_random_uuid(), user_id uuid, mark text, kind text default 'plain');
alter table public.g_restr enable row level security;
create policy i on public.g_restr for insert with check (true);
create policy r on public.g_restr as restrictive for insert with check (kind = 'rare');
revoke all on public.g_restr from anon, authenticated;
grant insert (id, user_id, mark) on public.g_restr to anon, authenticated;
create table public.g_restr_open (id uuid primary key default gen_random_uuid(), user_id uuid, mark text, kind text default 'plain');
alter table public.g_restr_open enable row level security;
create policy i on public.g_restr_open for insert with check (kind = 'rare');
create policy r on public.g_restr_open as restrictive for insert to oracle_group with check (kind = 'plain');
create table public.g_part (id uuid not null, user_id uuid, mark text, year int not null) partition by list (year);
create table public.g_part_1 partition of public.g_part for values in (1);
alter table public.g_part enable row level security;
create policy own on public.g_part using (user_id = auth.uid());
revoke all on public.g_part_1 from anon, authenticated;
grant insert (id, mark, year), select (id), update (mark) on public.g_part_1 to anon, authenticated;
-- @seed
grant oracle_group to authenticated;
insert into public.r_whole select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n), n
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.r_part select id, user_id, mark || 'p', year from public.r_whole;
insert into public.r_both select id, user_id, mark || 'b', year from public.r_whole;
insert into public.r_group select id, user_id, mark || 'g', year from public.r_whole;
insert into public.r_permissive_group select id, user_id, mark || 'm', year from public.r_whole;
insert into public.r_insert select id, user_id, mark || 'i', year from public.r_whole;
insert into public.r_returning select id, user_id, mark || 'r', year from public.r_whole;
insert into public.g_returning select id, user_id, mark || 'x1' from public.r_whole;
insert into public.g_hidden select id, user_id, mark || 'x2' from public.r_whole;
insert into public.g_restr select id, user_id, mark || 'x3', 'plain' from public.r_whole;
insert into public.g_restr_open select id, user_id, mark || 'x4', case year when 1 then 'plain' else 'rare' end from public.r_whole;
insert into public.g_part select id, user_id, mark || 'x5', 1 from public.r_whole;
-- @measures
authenticated public.r_whole some some some some
authenticated public.r_whole_1 all all all all
authenticated public.r_whole_2 own own own own
authenticated public.r_group none none none none
anon public.r_group all all all none
anon public.r_permissive_group_2 none none none none
authenticated public.g_restr none none none none
authenticated public.g_restr_open none none none none
anon public.g_restr_open none some none none
