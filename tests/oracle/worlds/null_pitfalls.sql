-- Where NULL decides: on both sides, in lists, and for those who have no row to look at.
create table public.profiles (id uuid primary key, org_id uuid, mark text);
create table public.banned (org_id uuid, mark text, id uuid primary key);
alter table public.profiles enable row level security;
alter table public.banned enable row level security;
create policy own on public.profiles for select using (id = auth.uid());
create policy see on public.banned for select using (true);
create table public.is_null_or_mine (id uuid primary key, org_id uuid, mark text);
alter table public.is_null_or_mine enable row level security;
create policy p on public.is_null_or_mine using (org_id is null or org_id = (select p.org_id from public.profiles p where p.id = auth.uid()));
create table public.equal (id uuid primary key, org_id uuid, mark text);
alter table public.equal enable row level security;
create policy p on public.equal using (org_id = (select p.org_id from public.profiles p where p.id = auth.uid()));
create table public.not_distinct (id uuid primary key, org_id uuid, mark text);
alter table public.not_distinct enable row level security;
create policy p on public.not_distinct using (org_id is not distinct from (select p.org_id from public.profiles p where p.id = auth.uid()));
create table public.both_default (id uuid primary key, org_id uuid, mark text);
alter table public.both_default enable row level security;
create policy p on public.both_default using (coalesce(org_id::text, '') = coalesce((select p.org_id::text from public.profiles p where p.id = auth.uid()), ''));
create table public.not_in_with_null (id uuid primary key, org_id uuid, mark text);
alter table public.not_in_with_null enable row level security;
create policy p on public.not_in_with_null using (org_id not in ('dddddddd-0000-4000-8000-200000000001', null));
create table public.not_in_column (id uuid primary key, org_id uuid, mark text);
alter table public.not_in_column enable row level security;
create policy p on public.not_in_column for select using (org_id not in (select b.org_id from public.banned b));
create table public.not_equal (id uuid primary key, org_id uuid, mark text);
alter table public.not_equal enable row level security;
create policy p on public.not_equal for select using (org_id <> (select p.org_id from public.profiles p where p.id = auth.uid()));
create table public.unless_other (id uuid primary key, org_id uuid, mark text);
alter table public.unless_other enable row level security;
create policy p on public.unless_other for select using ((org_id <> (select p.org_id from public.profiles p where p.id = auth.uid())) is not true);
-- @seed
insert into public.profiles select format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[p%s]', o) from unnest(array['a', 'b']) o;
insert into public.banned values ('dddddddd-0000-4000-8000-200000000001', '[bd]', 'dddddddd-0000-4000-8000-900000000001');
insert into public.is_null_or_mine select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.is_null_or_mine values ('cccccccc-0000-4000-8000-100000000030', null, '[nc3]');
insert into public.equal select id, org_id, mark || 'x1' from public.is_null_or_mine;
insert into public.not_distinct select id, org_id, mark || 'x2' from public.is_null_or_mine;
insert into public.both_default select id, org_id, mark || 'x3' from public.is_null_or_mine;
insert into public.not_in_with_null select id, org_id, mark || 'x4' from public.is_null_or_mine;
insert into public.not_in_column select id, org_id, mark || 'x5' from public.is_null_or_mine;
insert into public.not_equal select id, org_id, mark || 'x6' from public.is_null_or_mine;
insert into public.unless_other select id, org_id, mark || 'x7' from public.is_null_or_mine;
-- @measures
anon public.banned all none none none
anon public.both_default some some some some
anon public.is_null_or_mine some some some some
anon public.not_distinct some some some some
anon public.not_in_column some none none none
anon public.unless_other all none none none
authenticated public.banned all none none none
authenticated public.both_default some some some some
authenticated public.equal own own own own
authenticated public.is_null_or_mine some some some some
authenticated public.not_distinct some some some some
authenticated public.not_equal some none none none
authenticated public.not_in_column some none none none
authenticated public.not_in_with_null none none none none
authenticated public.profiles own none none none
authenticated public.unless_other all none none none
