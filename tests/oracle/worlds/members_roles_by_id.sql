-- Roles within an organisation that a membership names by their id: whoever has one of its own may be an admin there.
create table public.orgs (id uuid primary key, mark text);
create table public.roles (id int primary key, name text not null unique, mark text);
create table public.members (org_id uuid not null references public.orgs, user_id uuid not null references auth.users,
  role_id int not null references public.roles, mark text, primary key (org_id, user_id));
alter table public.orgs enable row level security;
alter table public.roles enable row level security;
alter table public.members enable row level security;
create policy p on public.roles for select using (true);
create policy p on public.members for select using (user_id = auth.uid());
create table public.any_admin (id uuid primary key, org_id uuid, mark text);
alter table public.any_admin enable row level security;
create policy p1 on public.any_admin for select using (exists (select from public.members m join public.roles r on r.id = m.role_id
  where m.user_id = auth.uid() and r.name = 'admin'));
create policy p2 on public.any_admin for delete using ((select r.name from public.roles r where r.id =
  (select m.role_id from public.members m where m.user_id = auth.uid() limit 1)) = 'admin');
create table public.its_admin (id uuid primary key, org_id uuid, mark text);
alter table public.its_admin enable row level security;
create policy p1 on public.its_admin for select using (exists (select from public.members m join public.roles r on r.id = m.role_id
  where m.user_id = auth.uid() and m.org_id = its_admin.org_id and r.name = 'admin'));
-- @seed
insert into public.orgs select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[o%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.roles values (1, 'admin', '[r1]'), (2, 'member', '[r2]');
insert into public.members select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, 1, format('[m%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.any_admin select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[n%s%s]', o, n) from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.its_admin select id, org_id, mark || 'x1' from public.any_admin;
-- @measures
authenticated public.any_admin all none none all
authenticated public.its_admin own none none none
