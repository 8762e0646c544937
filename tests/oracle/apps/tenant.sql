-- Organisations with members; admins invite and remove, members work. Helpers in a private schema say who belongs where.
create schema private;
grant usage on schema private to authenticated;
create table public.organizations (id uuid primary key default gen_random_uuid(), name text not null, mark text);
create table public.memberships (org_id uuid not null references public.organizations on delete cascade,
  user_id uuid not null references auth.users on delete cascade, role text not null default 'member'
  check (role in ('member', 'admin')), mark text, primary key (org_id, user_id));
create table public.projects (id uuid primary key default gen_random_uuid(),
  org_id uuid not null references public.organizations on delete cascade, name text not null, mark text);
create table public.tasks (id uuid primary key default gen_random_uuid(),
  project_id uuid not null references public.projects on delete cascade, title text, mark text);
create function private.my_orgs() returns setof uuid language sql stable security definer set search_path = '' as
$$ select m.org_id from public.memberships m where m.user_id = (select auth.uid()) $$;
create function private.is_admin(org uuid) returns boolean language sql stable security definer set search_path = '' as
$$ select exists (select 1 from public.memberships m
   where m.org_id = org and m.user_id = (select auth.uid()) and m.role = 'admin') $$;
revoke execute on all functions in schema private from public;
grant execute on all functions in schema private to authenticated;
alter table public.organizations enable row level security;
alter table public.memberships enable row level security;
alter table public.projects enable row level security;
alter table public.tasks enable row level security;
create policy members_read on public.organizations for select to authenticated
  using (id in (select private.my_orgs()));
create policy admins_update on public.organizations for update to authenticated
  using (private.is_admin(id)) with check (private.is_admin(id));
create policy colleagues_read on public.memberships for select to authenticated
  using (org_id in (select private.my_orgs()));
create policy admins_add on public.memberships for insert to authenticated with check (private.is_admin(org_id));
create policy admins_change on public.memberships for update to authenticated
  using (private.is_admin(org_id)) with check (private.is_admin(org_id));
create policy admins_remove on public.memberships for delete to authenticated using (private.is_admin(org_id));
create policy members_all on public.projects to authenticated
  using (org_id in (select private.my_orgs())) with check (org_id in (select private.my_orgs()));
create policy members_all on public.tasks to authenticated
  using (exists (select 1 from public.projects p where p.id = tasks.project_id and p.org_id in (select private.my_orgs())))
  with check (exists (select 1 from public.projects p where p.id = tasks.project_id and p.org_id in (select private.my_orgs())));
-- @seed
insert into public.organizations select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, o, format('[org %s]', o)
  from unnest(array['a', 'b', 'c']) o;
insert into public.memberships select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, case o when 'a' then 'admin' else 'member' end, format('[member %s]', o)
  from unnest(array['a', 'b', 'c']) o;
insert into public.projects select format('%s-0000-4000-8000-300000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, 'a project', format('[project %s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.tasks select format('%s-0000-4000-8000-400000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-300000000001', repeat(o, 8))::uuid, 'a task', format('[task %s]', o) from unnest(array['a', 'b', 'c']) o;
-- @measures
authenticated public.organizations own none own none
authenticated public.memberships own own own own
authenticated public.projects own own own own
authenticated public.tasks own own own own
anon public.tasks none none none none
