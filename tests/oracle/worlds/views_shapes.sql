-- Views that join, group, limit, unite, call functions, read auth.users, or ask who is asking.
create table public.people (id uuid primary key, user_id uuid, mark text, team text);
alter table public.people enable row level security;
create policy own on public.people for select using (user_id = auth.uid());
create table public.pay (id uuid primary key, user_id uuid, mark text, cents int);
alter table public.pay enable row level security;
create table public.public_info (id uuid primary key, user_id uuid, mark text);
create view public.joined as select p.mark, y.mark as paid from public.people p join public.pay y on y.id = p.id;
create view public.joined_i with (security_invoker = on) as select p.mark, y.mark as paid from public.people p join public.pay y on y.id = p.id;
create view public.left_i with (security_invoker = on) as select i.mark, y.mark as paid from public.public_info i left join public.pay y on y.id = i.id;
create view public.exists_i with (security_invoker = on) as select i.id, i.mark from public.public_info i where exists (select from public.people p where p.id = i.id);
create view public.not_exists_i with (security_invoker = on) as select i.id, i.mark from public.public_info i where not exists (select from public.people p where p.id = i.id);
create view public.counted as select team, count(*) as n from public.people group by team;
create view public.counted_i with (security_invoker = on) as select count(*) as n from public.people;
create view public.gathered as select string_agg(mark, ',') as marks from public.people;
create view public.mine as select * from public.people where user_id = auth.uid();
create view public.mine_joined as select p.mark from public.people p join public.pay y using (id) where p.user_id = auth.uid();
create view public.limited as select mark from public.people order by mark limit 2;
create view public.distinct_i with (security_invoker = on) as select distinct mark from public.people;
create view public.united as select mark from public.people union all select mark from public.pay;
create view public.united_i with (security_invoker = on) as select mark from public.people union all select mark from public.public_info;
create view public.windowed_i with (security_invoker = on) as select mark, row_number() over () from public.people;
create view public.from_users as select u.id, p.mark from auth.users u join public.people p on p.user_id = u.id;
create view public.with_cte as with found as (select * from public.people) select mark from found;
create view public.lateral_i with (security_invoker = on) as select i.mark, l.mark as other from public.public_info i, lateral (select p.mark from public.people p where p.id = i.id) l;
create view public.scalar as select i.id, (select p.mark from public.people p where p.id = i.id) as mark from public.public_info i;
create view public.scalar_where as select i.id, i.mark from public.public_info i where (select p.user_id from public.people p where p.id = i.id) = auth.uid();
create view public.no_table as select 1 as one;
create view public.now_me as select auth.uid() as me;
create function public.closed() returns boolean language sql stable as 'select true';
revoke execute on function public.closed() from public, anon, authenticated;
create view public.calls_closed as select mark from public.people where public.closed();
create function public.all_people() returns setof text language sql stable security definer set search_path = '' as 'select mark from public.people';
revoke execute on function public.all_people() from public, anon, authenticated;
grant execute on function public.all_people() to authenticated;
create view public.calls_definer with (security_invoker = on) as select f as mark from public.all_people() f;
create view public.whole_row as select p from public.people p;
create view public.many_rows as select mark, generate_series(1, 2) as n from public.people;
create view public.no_rows as select mark, unnest('{}'::text[]) as n from public.people;
create view public.my_own(me, mark) as select auth.uid(), mark from public.people where auth.uid() = user_id or team = 'x';
-- @seed
insert into public.people select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n), (array['x', 'y'])[n]
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.pay select id, user_id, mark || 'p', 1 from public.people;
insert into public.public_info select id, user_id, mark || 'i' from public.people;
-- @calls
select * from public.all_people()
