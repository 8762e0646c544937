-- Functions with their owner's rights whose queries join several tables, and ask the caller of one of them.
create table public.orgs (id uuid primary key, open boolean not null, mark text);
create table public.members (org_id uuid not null references public.orgs, user_id uuid not null references auth.users, mark text, primary key (org_id, user_id));
create table public.docs (id uuid primary key, org_id uuid not null references public.orgs, mark text);
create table public.notes (id uuid primary key, org_id uuid not null references public.orgs, mark text);
create table public.plans (id uuid primary key, org_id uuid not null references public.orgs, mark text);
alter table public.orgs enable row level security;
alter table public.members enable row level security;
alter table public.docs enable row level security;
alter table public.notes enable row level security;
alter table public.plans enable row level security;
create function public.my_docs() returns setof text language sql stable security definer set search_path = '' as
'select d.mark from public.docs d join public.orgs o on o.id = d.org_id join public.members m on m.org_id = o.id where m.user_id = auth.uid()';
create function public.open_notes() returns setof text language sql stable security definer set search_path = '' as
'select n.mark from public.orgs o join public.notes n on n.org_id = o.id join public.members m on m.org_id = o.id where o.open';
create function public.plans_beside() returns setof text language sql stable security definer set search_path = '' as
'select p.mark from public.members m, public.orgs o, public.plans p where m.user_id = auth.uid() and o.id = p.org_id';
-- @seed
insert into public.orgs select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, o = 'c', format('[o%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.members select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[m%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.docs select gen_random_uuid(), id, replace(mark, 'o', 'd') from public.orgs;
insert into public.notes select gen_random_uuid(), id, replace(mark, 'o', 'n') from public.orgs;
insert into public.plans select gen_random_uuid(), id, replace(mark, 'o', 'p') from public.orgs;
-- @calls
select * from public.my_docs()
select * from public.open_notes()
select * from public.plans_beside()
-- @measures
authenticated public.docs own none none none
authenticated public.notes some none none none
authenticated public.plans all none none none
