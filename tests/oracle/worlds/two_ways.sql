-- Two ways, each to some of the rows, and both together to all of them; and to the same ones.
create table public.both (id uuid primary key, user_id uuid, mark text, published boolean not null);
alter table public.both enable row level security;
create policy a on public.both for select using (published);
create view public.rest as select * from public.both where not published;
create table public.same (id uuid primary key, user_id uuid, mark text, published boolean not null);
alter table public.same enable row level security;
create policy a on public.same for select using (published);
create view public.same_ones as select * from public.same where published;
create view public.same_within with (security_invoker = on) as select * from public.same;
create table public.swapped (id uuid primary key, user_id uuid, mark text, author uuid);
alter table public.swapped enable row level security;
create view public.swapped_names as
  select s.id, s.mark from public.swapped s (id, author, mark, user_id) where s.user_id = auth.uid();
create table public.split (id uuid not null, user_id uuid, mark text, year int not null) partition by list (year);
alter table public.split enable row level security;
create policy a on public.split for select using (year = 1);
create table public.split_1 partition of public.split for values in (1);
alter table public.split_1 enable row level security;
create table public.split_2 partition of public.split for values in (2);
-- @seed
insert into public.both select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n), n = 1
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.same select id, user_id, mark || 's', published from public.both;
insert into public.swapped values ('cccccccc-0000-4000-8000-100000000010', 'aaaaaaaa-0000-4000-8000-000000000001', '[w1]', null),
  ('cccccccc-0000-4000-8000-100000000020', null, '[w2]', 'aaaaaaaa-0000-4000-8000-000000000001'),
  ('cccccccc-0000-4000-8000-100000000030', 'bbbbbbbb-0000-4000-8000-000000000001', '[w3]', null);
insert into public.split select id, user_id, mark || 'p', case when published then 1 else 2 end from public.both;
