-- Steps that need one another: a member becomes an admin.
create table public.orgs (id uuid primary key);
create table public.members (org_id uuid not null references public.orgs, user_id uuid not null references auth.users, role text not null default 'member', primary key (org_id, user_id));
create function public.is_member(org uuid) returns boolean language sql stable security definer set search_path = '' as
'select exists (select 1 from public.members m where m.org_id = org and m.user_id = auth.uid())';
create function public.is_admin(org uuid) returns boolean language sql stable security definer set search_path = '' as
'select exists (select 1 from public.members m where m.org_id = org and m.user_id = auth.uid() and m.role = ''admin'')';
alter table public.orgs enable row level security;
alter table public.members enable row level security;
create policy see on public.members for select to authenticated using (public.is_member(org_id));
create policy join_as_member on public.members for insert to authenticated with check (user_id = auth.uid() and role = 'member');
create policy climb on public.members for update to authenticated using (user_id = auth.uid()) with check (user_id = auth.uid());
create table public.member_docs (id uuid primary key, org_id uuid not null references public.orgs, mark text);
create table public.admin_docs (id uuid primary key, org_id uuid not null references public.orgs, mark text);
alter table public.member_docs enable row level security;
alter table public.admin_docs enable row level security;
create policy p on public.member_docs using (public.is_member(org_id));
create policy p on public.admin_docs using (public.is_admin(org_id));
-- @seed
insert into public.orgs values ('aaaaaaaa-0000-4000-8000-200000000001'), ('bbbbbbbb-0000-4000-8000-200000000001');
insert into public.member_docs select gen_random_uuid(), id, left(id::text, 3) from public.orgs;
insert into public.admin_docs select gen_random_uuid(), id, left(id::text, 3) from public.orgs;
-- @values
admin
member
-- @expected
authenticated public.member_docs all all all all
authenticated public.admin_docs all all all all
