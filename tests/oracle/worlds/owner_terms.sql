-- Conditions that tie a row to somebody, and those that only look like it.
create table public.term_01 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_01 enable row level security;
create policy a on public.term_01 for select using ((user_id, ok) = (auth.uid(), true));
create table public.term_02 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_02 enable row level security;
create policy a on public.term_02 for select using (user_id = any (array[auth.uid(), null]));
create table public.term_03 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_03 enable row level security;
create policy a on public.term_03 for select using (user_id in (auth.uid(), 'bbbbbbbb-0000-4000-8000-000000000001'));
create table public.term_04 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_04 enable row level security;
create policy a on public.term_04 for select using (user_id between auth.uid() and auth.uid());
create table public.term_05 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_05 enable row level security;
create policy a on public.term_05 for select using (greatest(user_id, auth.uid()) = user_id);
create table public.term_06 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_06 enable row level security;
create policy a on public.term_06 for select using (nullif(user_id, auth.uid()) is null);
create table public.term_07 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_07 enable row level security;
create policy a on public.term_07 for select using (coalesce(user_id, auth.uid()) = auth.uid());
create table public.term_08 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_08 enable row level security;
create policy a on public.term_08 for select using (user_id = auth.uid() or user_id is null);
create table public.term_09 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_09 enable row level security;
create policy a on public.term_09 for select using ((data ->> 'owner')::uuid = auth.uid());
create table public.term_10 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_10 enable row level security;
create policy a on public.term_10 for select using (data @> jsonb_build_object('owner', auth.uid()));
create table public.term_11 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_11 enable row level security;
create policy a on public.term_11 for select using (auth.uid() = any (ids));
create table public.term_12 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_12 enable row level security;
create policy a on public.term_12 for select using (auth.uid() = all (ids));
create table public.term_13 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_13 enable row level security;
create policy a on public.term_13 for select using (ids && array[auth.uid()]);
create table public.term_14 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_14 enable row level security;
create policy a on public.term_14 for select using (ids <@ array[auth.uid()]);
create table public.term_15 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_15 enable row level security;
create policy a on public.term_15 for select using (owner ilike auth.uid()::text);
create table public.term_16 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_16 enable row level security;
create policy a on public.term_16 for select using (left(owner, 8) = left(auth.uid()::text, 8));
create table public.term_17 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_17 enable row level security;
create policy a on public.term_17 for select using (owner::char(8) = auth.uid()::char(8));
create table public.term_18 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_18 enable row level security;
create policy a on public.term_18 for select using (user_id::text like auth.uid()::text || '%');
create table public.term_19 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_19 enable row level security;
create policy a on public.term_19 for select using (auth.uid()::text like '%' || left(owner, 1) || '%');
create table public.term_20 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_20 enable row level security;
create policy a on public.term_20 for select using (num_nulls(user_id, auth.uid()) = 0);
create table public.term_21 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_21 enable row level security;
create policy a on public.term_21 for select using (user_id >= auth.uid() and user_id <= auth.uid());
create table public.term_22 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_22 enable row level security;
create policy a on public.term_22 for select using (not (user_id is distinct from auth.uid() and ok));
create table public.term_23 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_23 enable row level security;
create policy a on public.term_23 for select using (case when auth.uid() is null then ok else user_id = auth.uid() end);
create table public.term_24 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_24 enable row level security;
create policy a on public.term_24 for select using ((select user_id) = (select auth.uid()));
create table public.term_25 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_25 enable row level security;
create policy a on public.term_25 for select using (exists (select 1 where user_id = auth.uid()));
create table public.term_26 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_26 enable row level security;
create policy a on public.term_26 for select using (exists (select 1 from (select auth.uid() as me) x where x.me = user_id));
create table public.term_27 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_27 enable row level security;
create policy a on public.term_27 for select using (user_id = (select id from auth.users where id = auth.uid()));
create table public.term_28 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_28 enable row level security;
create policy a on public.term_28 for select using ((user_id = auth.uid()) = ok);
create table public.term_29 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_29 enable row level security;
create policy a on public.term_29 for select using ((user_id = auth.uid()) is not null);
create table public.term_30 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_30 enable row level security;
create policy a on public.term_30 for select using ((user_id = auth.uid()) <> (user_id = auth.uid()));
create table public.term_31 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_31 enable row level security;
create policy a on public.term_31 for select using (bool(ok) or user_id = auth.uid());
create table public.term_32 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_32 enable row level security;
create policy a on public.term_32 for select using (ok is not false and user_id <> auth.uid());
create table public.term_33 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_33 enable row level security;
create policy a on public.term_33 for select using (row(user_id) is not distinct from row(auth.uid()));
create table public.term_34 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_34 enable row level security;
create policy a on public.term_34 for select using (row(user_id, mark) is not null);
create table public.term_35 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_35 enable row level security;
create policy a on public.term_35 for select using (auth.uid()::text || mark = owner || mark);
create table public.term_36 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_36 enable row level security;
create policy a on public.term_36 for select using (md5(owner) = md5(auth.uid()::text));
create table public.term_37 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_37 enable row level security;
create policy a on public.term_37 for select using (coalesce(auth.uid()::text, '') = coalesce(owner, ''));
create table public.term_38 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_38 enable row level security;
create policy a on public.term_38 for select using (coalesce(user_id = auth.uid(), ok, false));
create table public.term_39 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_39 enable row level security;
create policy a on public.term_39 for select using (position(auth.uid()::text in owner) > 0);
create table public.term_40 (id uuid primary key, user_id uuid, mark text, ok boolean, data jsonb, ids uuid[], owner text);
alter table public.term_40 enable row level security;
create policy a on public.term_40 for select using (starts_with(owner, coalesce(auth.uid()::text, '')));
revoke insert, update, delete on all tables in schema public from anon, authenticated;
-- @seed
insert into public.term_01 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t1%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_02 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t2%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_03 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t3%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_04 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t4%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_05 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t5%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_06 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t6%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_07 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t7%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_08 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t8%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_09 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t9%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_10 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t10%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_11 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t11%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_12 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t12%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_13 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t13%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_14 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t14%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_15 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t15%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_16 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t16%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_17 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t17%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_18 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t18%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_19 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t19%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_20 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t20%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_21 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t21%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_22 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t22%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_23 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t23%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_24 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t24%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_25 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t25%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_26 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t26%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_27 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t27%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_28 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t28%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_29 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t29%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_30 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t30%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_31 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t31%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_32 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t32%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_33 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t33%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_34 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t34%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_35 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t35%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_36 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t36%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_37 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t37%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_38 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t38%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_39 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t39%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
insert into public.term_40 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[t40%s%s]', o, n), (array[true, false, null])[n], case when u is null then '{}' else jsonb_build_object('owner', u) end, array_remove(array[u], null), u::text
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 3) n;
