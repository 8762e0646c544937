-- A membership that shows only to members, one's own included: the row that lets in is asked for twice.
create table public.orgs (id uuid primary key);
create table public.members (
  id uuid primary key default gen_random_uuid(), org_id uuid not null references public.orgs,
  user_id uuid not null references auth.users, unique (user_id, org_id));
create function public.is_member(org uuid) returns boolean language sql stable security definer set search_path = '' as
'select exists (select 1 from public.members m where m.org_id = org and m.user_id = auth.uid())';
alter table public.orgs enable row level security;
alter table public.members enable row level security;
create policy see on public.members for select to authenticated using (public.is_member(org_id));
create policy add on public.members for insert to authenticated with check (user_id = auth.uid() or public.is_member(org_id));
create table public.docs (id uuid primary key, org_id uuid not null references public.orgs, mark text);
alter table public.docs enable row level security;
create policy p on public.docs using (org_id in (select m.org_id from public.members m where m.user_id = auth.uid()));
-- @seed
insert into public.orgs values ('aaaaaaaa-0000-4000-8000-200000000001'), ('bbbbbbbb-0000-4000-8000-200000000001');
insert into public.docs select gen_random_uuid(), id, left(id::text, 3) from public.orgs;
-- @values
-- @expected
authenticated public.docs all all all all
