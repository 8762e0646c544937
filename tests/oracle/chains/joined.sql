-- Rows in between: a project that points where its maker likes, a request that others approve, an empty organisation.
create table public.orgs (id uuid primary key);
create table public.projects (owner uuid not null references auth.users, org_id uuid not null references public.orgs, primary key (owner, org_id));
create table public.asked (org_id uuid not null references public.orgs, user_id uuid not null references auth.users, status text not null default 'pending', primary key (org_id, user_id));
create table public.first (org_id uuid not null references public.orgs, user_id uuid not null references auth.users, primary key (org_id, user_id));
create function public.is_empty(org uuid) returns boolean language sql stable security definer set search_path = '' as
'select not exists (select 1 from public.first f where f.org_id = org)';
alter table public.orgs enable row level security;
alter table public.projects enable row level security;
alter table public.asked enable row level security;
alter table public.first enable row level security;
create policy own on public.projects to authenticated using (owner = auth.uid());
create policy own on public.asked for select to authenticated using (user_id = auth.uid());
create policy ask on public.asked for insert to authenticated with check (user_id = auth.uid() and status = 'pending');
create policy again on public.asked for update to authenticated using (user_id = auth.uid()) with check (user_id = auth.uid() and status <> 'approved');
create policy own on public.first for select to authenticated using (user_id = auth.uid());
create policy be_first on public.first for insert to authenticated with check (user_id = auth.uid() and public.is_empty(org_id));
create table public.project_docs (id uuid primary key, org_id uuid not null references public.orgs, mark text);
create table public.approved_docs (id uuid primary key, org_id uuid not null references public.orgs, mark text);
create table public.asked_docs (id uuid primary key, org_id uuid not null references public.orgs, mark text);
create table public.first_docs (id uuid primary key, org_id uuid not null references public.orgs, mark text);
create table public.written_docs (id uuid primary key, user_id uuid not null references auth.users, mark text);
alter table public.project_docs enable row level security;
alter table public.approved_docs enable row level security;
alter table public.asked_docs enable row level security;
alter table public.first_docs enable row level security;
alter table public.written_docs enable row level security;
create policy p on public.project_docs using (exists (select from public.projects p where p.org_id = project_docs.org_id and p.owner = auth.uid()));
create policy p on public.approved_docs using (exists (select from public.asked a where a.org_id = approved_docs.org_id and a.user_id = auth.uid() and a.status = 'approved'));
create policy p on public.asked_docs using (exists (select from public.asked a where a.org_id = asked_docs.org_id and a.user_id = auth.uid()));
create policy p on public.first_docs using (exists (select from public.first f where f.org_id = first_docs.org_id and f.user_id = auth.uid()));
create policy read on public.written_docs for select to authenticated using (user_id = auth.uid());
create policy change on public.written_docs for update to authenticated using (true);
-- @seed
insert into auth.users (id, email) values ('aaaaaaaa-0000-4000-8000-000000000001', 'a@example.com');
insert into public.orgs values ('aaaaaaaa-0000-4000-8000-200000000001'), ('bbbbbbbb-0000-4000-8000-200000000001');
insert into public.first values ('aaaaaaaa-0000-4000-8000-200000000001', 'aaaaaaaa-0000-4000-8000-000000000001');
insert into public.project_docs select gen_random_uuid(), id, left(id::text, 3) from public.orgs;
insert into public.approved_docs select gen_random_uuid(), id, left(id::text, 3) from public.orgs;
insert into public.asked_docs select gen_random_uuid(), id, left(id::text, 3) from public.orgs;
insert into public.first_docs select gen_random_uuid(), id, left(id::text, 3) from public.orgs;
insert into public.written_docs values (gen_random_uuid(), 'aaaaaaaa-0000-4000-8000-000000000001', 'a');
-- @values
approved
pending
-- @expected
authenticated public.project_docs all all all all
authenticated public.approved_docs own own own own
authenticated public.asked_docs all all all all
authenticated public.first_docs unknown unknown unknown unknown
authenticated public.written_docs unknown none all none
