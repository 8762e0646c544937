-- Tables of members that ask themselves: directly, which fails for everybody, through a helper, and in a circle of two.
create table public.asks_itself (org_id uuid not null, user_id uuid not null, mark text, primary key (org_id, user_id));
alter table public.asks_itself enable row level security;
create policy p on public.asks_itself using (org_id in (select a.org_id from public.asks_itself a where a.user_id = auth.uid()));
create table public.asks_helper (org_id uuid not null, user_id uuid not null, mark text, primary key (org_id, user_id));
alter table public.asks_helper enable row level security;
create function public.my_orgs() returns setof uuid language sql stable security definer set search_path = '' as
'select m.org_id from public.asks_helper m where m.user_id = auth.uid()';
create policy p on public.asks_helper using (org_id in (select public.my_orgs()));
create table public.circle_a (org_id uuid not null, user_id uuid not null, mark text, primary key (org_id, user_id));
alter table public.circle_a enable row level security;
create table public.circle_b (org_id uuid not null, user_id uuid not null, mark text, primary key (org_id, user_id));
alter table public.circle_b enable row level security;
create policy p on public.circle_a using (exists (select from public.circle_b b where b.org_id = circle_a.org_id));
create policy p on public.circle_b using (exists (select from public.circle_a a where a.org_id = circle_b.org_id));
create table public.through_self (id uuid primary key, org_id uuid, mark text);
alter table public.through_self enable row level security;
create policy p on public.through_self using (org_id in (select org_id from public.asks_itself where user_id = auth.uid()));
create table public.through_helper (id uuid primary key, org_id uuid, mark text);
alter table public.through_helper enable row level security;
create policy p on public.through_helper using (org_id in (select org_id from public.asks_helper));
create table public.through_circle (id uuid primary key, org_id uuid, mark text);
alter table public.through_circle enable row level security;
create policy p on public.through_circle using (exists (select from public.circle_a where circle_a.org_id = through_circle.org_id));
create table public.or_through_self (id uuid primary key, org_id uuid, mark text);
alter table public.or_through_self enable row level security;
create policy p on public.or_through_self using (mark like '%1]%' or org_id in (select org_id from public.asks_itself where user_id = auth.uid()));
-- @seed
insert into public.asks_itself select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[asks_itself%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.asks_helper select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[asks_helper%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.circle_a select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[circle_a%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.circle_b select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[circle_b%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.through_self select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.through_helper select id, org_id, mark || 'x1' from public.through_self;
insert into public.through_circle select id, org_id, mark || 'x2' from public.through_self;
insert into public.or_through_self select id, org_id, mark || 'x3' from public.through_self;
-- @measures
authenticated public.asks_helper own own own own
authenticated public.asks_itself none none none none
authenticated public.circle_a none none none none
authenticated public.circle_b none none none none
authenticated public.or_through_self none none none none
authenticated public.through_circle none none none none
authenticated public.through_helper own own own own
authenticated public.through_self none none none none
