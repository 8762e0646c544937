-- Names that need quotes, look like keywords, hold dots and quotes, or are the same in two schemas.
create schema "Private";
create schema other;
create table public."Weird ""Table" ("id" uuid primary key, "user_id" uuid, "mark" text, "User Id" uuid);
alter table public."Weird ""Table" enable row level security;
create policy "p ""1" on public."Weird ""Table" for select using ("User Id" = auth.uid());
create policy "all; drop" on public."Weird ""Table" for delete using (exists (select from public."Weird ""Table" w where false));
create view public."View.Dot" as select id, user_id, mark, "User Id" as "select" from public."Weird ""Table";
create view public."from" with (security_invoker = on) as select * from public."View.Dot" where "select" = auth.uid();
create table public."order" (id uuid primary key, user_id uuid, mark text);
alter table public."order" enable row level security;
create policy "using" on public."order" using ("order".user_id = auth.uid());
create function public."select"() returns setof text language sql security definer set search_path = '' as 'select mark from public."order"';
create table other.twin (id uuid primary key, user_id uuid, mark text);
create table public.twin (id uuid primary key, user_id uuid, mark text);
alter table public.twin enable row level security;
create function public.twins() returns setof text language sql security definer set search_path = '' as 'select mark from other.twin';
create view public.other_twin as select t.id, t.mark from other.twin t;
create table public."public.twin" (id uuid primary key, user_id uuid, mark text);
alter table public."public.twin" enable row level security;
create view public.dotted as select * from public."public.twin";
create table public."WITH" (id uuid primary key, user_id uuid, mark text);
alter table public."WITH" enable row level security;
create view public."SELECT" with (security_invoker = on) as with found as (select 1 as one) select w.id, w.mark from public."WITH" w, found;
create table public."Ünïcode" (id uuid primary key, user_id uuid, mark text, "ключ" boolean);
alter table public."Ünïcode" enable row level security;
create policy "ü" on public."Ünïcode" for select using ("ключ");
create table "Private"."T" (id uuid primary key, user_id uuid, mark text);
create view public.over_private as select * from "Private"."T";
create table public.case_a (id uuid primary key, user_id uuid, mark text, "USER_ID" uuid);
alter table public.case_a enable row level security;
create policy a on public.case_a for select using ("USER_ID" = auth.uid());
create policy b on public.case_a for update using (user_id = auth.uid()) with check ("USER_ID" = auth.uid());
-- @seed
insert into public."Weird ""Table" (id, user_id, mark) select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
update public."Weird ""Table" set "User Id" = user_id;
insert into public."order" (id, user_id, mark) select id, user_id, mark || 'x1' from public."Weird ""Table";
insert into other.twin (id, user_id, mark) select id, user_id, mark || 'x2' from public."Weird ""Table";
insert into public.twin (id, user_id, mark) select id, user_id, mark || 'x3' from public."Weird ""Table";
insert into public."public.twin" (id, user_id, mark) select id, user_id, mark || 'x4' from public."Weird ""Table";
insert into public."WITH" (id, user_id, mark) select id, user_id, mark || 'x5' from public."Weird ""Table";
insert into public."Ünïcode" (id, user_id, mark) select id, user_id, mark || 'x6' from public."Weird ""Table";
insert into "Private"."T" (id, user_id, mark) select id, user_id, mark || 'x7' from public."Weird ""Table";
insert into public.case_a (id, user_id, mark) select id, user_id, mark || 'x8' from public."Weird ""Table";
update public."Ünïcode" set "ключ" = mark ~ '1]';
update public.case_a set "USER_ID" = case when user_id is null then 'bbbbbbbb-0000-4000-8000-000000000001'::uuid else user_id end;
-- @calls
select * from public."select"()
select * from public.twins()
