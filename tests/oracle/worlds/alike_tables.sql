-- Tables that differ in nothing that policies name but in where their keys lead: an answer is not for both.
create table public.orgs (id uuid primary key, old_id uuid not null unique, area int not null, code int not null, unique (area, code));
create table public.by_id (id int primary key, org uuid not null references public.orgs (id));
alter table public.by_id enable row level security;
create policy p on public.by_id for select using (not exists (select from public.orgs o where o.id = org));
create table public.by_old_id (id int primary key, org uuid not null references public.orgs (old_id));
alter table public.by_old_id enable row level security;
create policy p on public.by_old_id for select using (not exists (select from public.orgs o where o.id = org));
create table public.by_both (id int primary key, area int not null, code int not null, foreign key (area, code) references public.orgs (area, code));
alter table public.by_both enable row level security;
create policy p on public.by_both for select using (not exists (select from public.orgs o where o.area = by_both.area and o.code = by_both.code));
create table public.by_crossed (id int primary key, area int not null, code int not null, foreign key (code, area) references public.orgs (area, code));
alter table public.by_crossed enable row level security;
create policy p on public.by_crossed for select using (not exists (select from public.orgs o where o.area = by_crossed.area and o.code = by_crossed.code));
-- @seed
insert into public.orgs values ('00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002', 1, 2),
  ('00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000004', 3, 4), ('00000000-0000-4000-8000-000000000005', '00000000-0000-4000-8000-000000000006', 4, 3);
insert into public.by_id values (1, '00000000-0000-4000-8000-000000000001');
insert into public.by_old_id values (1, '00000000-0000-4000-8000-000000000002');
insert into public.by_both values (1, 1, 2);
insert into public.by_crossed values (1, 2, 1), (2, 4, 3);
-- @measures
anon public.by_id none none none none
anon public.by_old_id all none none none
anon public.by_both none none none none
anon public.by_crossed some none none none
