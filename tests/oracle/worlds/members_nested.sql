-- A note belongs to a task, a task to a project, a project to an organisation, which has members.
create table public.orgs (id uuid primary key, mark text);
create table public.members (org_id uuid not null references public.orgs, user_id uuid not null, mark text, primary key (org_id, user_id));
create table public.projects (id uuid primary key, org_id uuid not null references public.orgs, mark text, archived boolean not null default false);
create table public.tasks (id uuid primary key, project_id uuid references public.projects, mark text);
create table public.notes (id uuid primary key, task_id uuid references public.tasks, mark text);
create table public.looks (id uuid primary key, project_id uuid, mark text);
create table public.files (id uuid primary key, project_id uuid, mark text);
alter table public.orgs enable row level security;
alter table public.members enable row level security;
alter table public.projects enable row level security;
alter table public.tasks enable row level security;
alter table public.notes enable row level security;
alter table public.looks enable row level security;
alter table public.files enable row level security;
create policy own on public.members for select using (user_id = auth.uid());
create policy members on public.orgs for select using (exists (select from public.members m where m.org_id = orgs.id and m.user_id = auth.uid()));
create policy members on public.projects using (exists (select from public.members m where m.org_id = projects.org_id and m.user_id = auth.uid()));
create policy members on public.tasks using (exists (
  select from public.projects p join public.members m on m.org_id = p.org_id where p.id = tasks.project_id and m.user_id = auth.uid()));
create policy by_task on public.notes using (task_id in (select t.id from public.tasks t));
create policy anybody on public.looks for select using (project_id in (select p.id from public.projects p where not p.archived));
create policy in_steps on public.files using (project_id in (select p.id from public.projects p where p.org_id in (
  select o.id from public.orgs o where o.id in (select m.org_id from public.members m where m.user_id = auth.uid()))));
create policy live on public.files as restrictive for update using (not exists (select from public.projects p where p.id = project_id and p.archived));
-- @seed
insert into public.orgs select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[o%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.members select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[m%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.projects select format('%s-0000-4000-8000-4000000000%s0', repeat(o, 8), n)::uuid, format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('[p%s%s]', o, n), n = 2 from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.tasks select replace(id::text, '-40', '-50')::uuid, id, mark || 't' from public.projects;
insert into public.notes select replace(id::text, '-50', '-60')::uuid, id, mark || 'n' from public.tasks;
insert into public.looks select replace(id::text, '-40', '-70')::uuid, id, mark || 'l' from public.projects;
insert into public.files select replace(id::text, '-40', '-80')::uuid, id, mark || 'f' from public.projects;
-- @measures
authenticated public.files own own own own
authenticated public.looks own none none none
authenticated public.members own none none none
authenticated public.notes own own own own
authenticated public.orgs own none none none
authenticated public.projects own own own own
authenticated public.tasks own own own own
