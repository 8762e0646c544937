-- A subquery that finds a row for every row there can be: by a foreign key that is NOT NULL, or without looking at the row.
create table public.orgs (id uuid primary key, mark text);
alter table public.orgs enable row level security;
create table public.members (org_id uuid not null references public.orgs, user_id uuid not null references auth.users, mark text,
  primary key (org_id, user_id));
alter table public.members enable row level security;
create policy see on public.orgs for select using (true);
create table public.plans (id text primary key, mark text);
alter table public.plans enable row level security;
create policy see on public.plans for select to authenticated using (true);
create table public.by_key (id uuid primary key, org_id uuid not null references public.orgs, mark text);
alter table public.by_key enable row level security;
create policy p on public.by_key for select using (exists (select from public.orgs o where o.id = org_id));
create table public.by_key_in (id uuid primary key, org_id uuid not null references public.orgs, mark text);
alter table public.by_key_in enable row level security;
create policy p on public.by_key_in using (org_id in (select id from public.orgs));
create table public.by_null_key (id uuid primary key, org_id uuid references public.orgs, mark text);
alter table public.by_null_key enable row level security;
create policy p on public.by_null_key for select using (exists (select from public.orgs o where o.id = org_id));
create table public.by_nothing (id uuid primary key, org_id uuid references public.orgs, mark text);
alter table public.by_nothing enable row level security;
create policy p on public.by_nothing for select using (exists (select 1));
create table public.by_aggregate (id uuid primary key, org_id uuid references public.orgs, mark text);
alter table public.by_aggregate enable row level security;
create policy p on public.by_aggregate for select using (exists (select count(*) from public.members m where m.user_id = auth.uid()));
create table public.by_self (id uuid primary key, org_id uuid references public.orgs, mark text);
alter table public.by_self enable row level security;
create policy p on public.by_self for select using (exists (select from public.orgs o where o.id = o.id));
create table public.by_plan (id uuid primary key, plan text not null default 'free' references public.plans, mark text);
alter table public.by_plan enable row level security;
create policy p on public.by_plan for select using (exists (select from public.plans p where p.id = plan));
-- @seed
insert into public.orgs select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[o%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.members select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[m%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.by_key select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[k%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.by_key_in select id, org_id, mark || 'i' from public.by_key;
insert into public.by_null_key select id, case when mark like '%1]%' then org_id end, mark || 'u' from public.by_key;
insert into public.by_nothing select id, org_id, mark || 'o' from public.by_key;
insert into public.by_aggregate select id, org_id, mark || 'g' from public.by_key;
insert into public.by_self select id, org_id, mark || 's' from public.by_key;
insert into public.plans values ('free', '[free]'), ('paid', '[paid]');
insert into public.by_plan select id, case when mark like '%1]%' then 'free' else 'paid' end, mark || 'p' from public.by_key;
-- @measures
anon public.by_aggregate all none none none
anon public.by_key all none none none
anon public.by_key_in all all all all
anon public.by_nothing all none none none
anon public.by_null_key some none none none
anon public.by_self all none none none
anon public.orgs all none none none
authenticated public.by_aggregate all none none none
authenticated public.by_key all none none none
authenticated public.by_key_in all all all all
authenticated public.by_nothing all none none none
authenticated public.by_null_key some none none none
authenticated public.by_plan all none none none
authenticated public.by_self all none none none
authenticated public.members none none none none
authenticated public.orgs all none none none
authenticated public.plans all none none none
