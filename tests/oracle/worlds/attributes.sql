-- What people are like and what they belong to: who lives in one city shares nothing, who is in one team does.
create table public.profiles (id uuid primary key references auth.users, city text, adult boolean, joined date, company uuid);
alter table public.profiles enable row level security;
create policy own on public.profiles for select using (id = auth.uid());
create table public.orgs (id uuid primary key, tier text, slug text not null unique);
create table public.members (org uuid not null references public.orgs, user_id uuid not null references auth.users, team text, primary key (org, user_id));
create type public.stage as enum ('draft', 'live');
create table public.reviewers (org uuid not null, user_id uuid not null references auth.users, stages public.stage[] not null, primary key (org, user_id));
create table public.by_stage (id int primary key, stage public.stage);
alter table public.by_stage enable row level security;
create policy p on public.by_stage for select using (exists (select from public.reviewers r where r.user_id = auth.uid() and by_stage.stage = any (r.stages)));
create table public.by_city (id int primary key, city text);
alter table public.by_city enable row level security;
create policy p on public.by_city for select using (exists (select from public.profiles p where p.id = auth.uid() and p.city = by_city.city));
create table public.by_adult (id int primary key, for_adults text);
alter table public.by_adult enable row level security;
create policy p on public.by_adult for select using (for_adults = (select p.adult::text from public.profiles p where p.id = auth.uid()));
create table public.by_day (id int primary key, day text);
alter table public.by_day enable row level security;
create policy p on public.by_day for select using (day = (select p.joined::text from public.profiles p where p.id = auth.uid()));
create table public.by_tier (id int primary key, tier text);
alter table public.by_tier enable row level security;
create policy p on public.by_tier for select using (
  exists (select from public.members m join public.orgs o on o.id = m.org where m.user_id = auth.uid() and o.tier = by_tier.tier));
create table public.by_slug (id int primary key, slug text);
alter table public.by_slug enable row level security;
create policy p on public.by_slug for select using (
  exists (select from public.members m join public.orgs o on o.id = m.org where m.user_id = auth.uid() and o.slug = by_slug.slug));
create table public.by_team (id int primary key, team text);
alter table public.by_team enable row level security;
create policy p on public.by_team for select using (exists (select from public.members m where m.user_id = auth.uid() and m.team = by_team.team));
create table public.by_company (id int primary key, company uuid);
alter table public.by_company enable row level security;
create policy p on public.by_company for select using (company = (select p.company from public.profiles p where p.id = auth.uid()));
-- @seed
insert into public.profiles select id, 'Berlin', true, '2025-01-01', replace(id::text, '-0000-', '-0001-')::uuid from auth.users;
insert into public.orgs values ('aaaaaaaa-0000-4000-8000-0000000000a1', 'pro', 'aaaaaaaa-0000'), ('bbbbbbbb-0000-4000-8000-0000000000b1', 'free', 'bbbbbbbb-0000');
insert into public.members values ('aaaaaaaa-0000-4000-8000-0000000000a1', 'aaaaaaaa-0000-4000-8000-000000000001', 'aaaaaaaa'),
  ('bbbbbbbb-0000-4000-8000-0000000000b1', 'bbbbbbbb-0000-4000-8000-000000000001', 'bbbbbbbb');
insert into public.reviewers values ('aaaaaaaa-0000-4000-8000-0000000000a1', 'aaaaaaaa-0000-4000-8000-000000000001', '{live}'), ('bbbbbbbb-0000-4000-8000-0000000000b1', 'bbbbbbbb-0000-4000-8000-000000000001', '{live}');
insert into public.by_stage values (1, 'live'), (2, 'draft');
insert into public.by_city values (1, 'Berlin'), (2, 'Bonn');
insert into public.by_adult values (1, 'true'), (2, 'false');
insert into public.by_day values (1, '2025-01-01'), (2, '2025-01-02');
insert into public.by_tier values (1, 'pro'), (2, 'free'), (3, 'other');
insert into public.by_slug values (1, 'aaaaaaaa-0000'), (2, 'other');
insert into public.by_team values (1, 'aaaaaaaa'), (2, 'other');
insert into public.by_company values (1, 'aaaaaaaa-0001-4000-8000-000000000001'), (2, null);
-- @measures
authenticated public.by_city some none none none
authenticated public.by_adult some none none none
authenticated public.by_day some none none none
authenticated public.by_tier some none none none
authenticated public.by_slug own none none none
authenticated public.by_team own none none none
authenticated public.by_company own none none none
authenticated public.by_stage some none none none
