-- Slips of the pen: a column compared with itself, AND that binds more closely than OR, a name that means another table's column.
create table public.orgs (id uuid primary key, mark text);
alter table public.orgs enable row level security;
create table public.members (org_id uuid not null references public.orgs, user_id uuid not null references auth.users, mark text, listed boolean not null default false,
  primary key (org_id, user_id));
alter table public.members enable row level security;
create policy see on public.members for select using (true);
create table public.compared_with_itself (id uuid primary key, org_id uuid, mark text, published boolean not null default false);
alter table public.compared_with_itself enable row level security;
create policy p on public.compared_with_itself for select using (exists (select from public.members m where m.org_id = m.org_id and m.user_id = auth.uid()));
create table public.bare_name (id uuid primary key, org_id uuid, mark text, published boolean not null default false);
alter table public.bare_name enable row level security;
create policy p on public.bare_name for select using (exists (select from public.members m where m.org_id = org_id and m.user_id = auth.uid()));
create table public.or_within (id uuid primary key, org_id uuid, mark text, published boolean not null default false);
alter table public.or_within enable row level security;
create policy p on public.or_within using (exists (select from public.members m where m.org_id = or_within.org_id and m.user_id = auth.uid() or m.listed));
create table public.and_then_or (id uuid primary key, org_id uuid, mark text, published boolean not null default false);
alter table public.and_then_or enable row level security;
create policy p on public.and_then_or using (published and org_id in (select m.org_id from public.members m where m.user_id = auth.uid()) or org_id is null);
create table public.or_then_and (id uuid primary key, org_id uuid, mark text, published boolean not null default false);
alter table public.or_then_and enable row level security;
create policy p on public.or_then_and for select using (org_id in (select m.org_id from public.members m where m.user_id = auth.uid()) or published and auth.uid() is not null);
create table public.compared_with_own (id uuid primary key, org_id uuid, mark text, published boolean not null default false);
alter table public.compared_with_own enable row level security;
create policy p on public.compared_with_own for select using (exists (select from public.members m where m.user_id = m.user_id and m.org_id = compared_with_own.org_id));
create table public.signed_in_only (id uuid primary key, org_id uuid, mark text, published boolean not null default false);
alter table public.signed_in_only enable row level security;
create policy p on public.signed_in_only for select using (exists (select from public.members m where m.org_id = signed_in_only.org_id and auth.uid() is not null));
-- @seed
insert into public.orgs select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[o%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.members select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[m%s]', o) from unnest(array['a', 'b', 'c']) o;
update public.members set listed = mark = '[mc]';
insert into public.compared_with_itself select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[n%s%s]', o, n), n = 2
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.compared_with_itself values ('cccccccc-0000-4000-8000-100000000030', null, '[nc3]', false);
insert into public.bare_name select id, org_id, mark || 'x1', published from public.compared_with_itself;
insert into public.or_within select id, org_id, mark || 'x2', published from public.compared_with_itself;
insert into public.and_then_or select id, org_id, mark || 'x3', published from public.compared_with_itself;
insert into public.or_then_and select id, org_id, mark || 'x4', published from public.compared_with_itself;
insert into public.compared_with_own select id, org_id, mark || 'x5', published from public.compared_with_itself;
insert into public.signed_in_only select id, org_id, mark || 'x6', published from public.compared_with_itself;
-- @measures
anon public.and_then_or some some some some
anon public.compared_with_own some none none none
anon public.members all none none none
anon public.or_within all all all all
authenticated public.and_then_or some some some some
authenticated public.bare_name all none none none
authenticated public.compared_with_itself all none none none
authenticated public.compared_with_own some none none none
authenticated public.members all none none none
authenticated public.or_then_and some none none none
authenticated public.or_within all all all all
authenticated public.orgs none none none none
authenticated public.signed_in_only some none none none
