-- Roles within an organisation, as a text with a CHECK and as an enum, that writes ask for.
create type public.rank as enum ('member', 'admin', 'owner');
create table public.members (org_id uuid not null, user_id uuid not null, mark text,
  role text not null default 'member' check (role in ('owner', 'admin', 'member')), rank public.rank not null default 'member',
  primary key (org_id, user_id));
alter table public.members enable row level security;
create policy own on public.members for select using (user_id = auth.uid());
create function public.has_role(org uuid, roles text[]) returns boolean language sql stable security definer set search_path = '' as
'select exists (select from public.members m where m.org_id = org and m.user_id = auth.uid() and m.role = any (roles))';
create policy owner_adds on public.members for insert with check (public.has_role(org_id, array['owner']));
create policy owner_removes on public.members for delete using (public.has_role(org_id, array['owner']) and role <> 'owner');
create table public.with_text (id uuid primary key, org_id uuid, mark text);
alter table public.with_text enable row level security;
create policy p1 on public.with_text for select using (public.has_role(org_id, array['owner', 'admin', 'member']));
create policy p2 on public.with_text for insert with check (public.has_role(org_id, array['owner', 'admin']));
create policy p3 on public.with_text for update using (public.has_role(org_id, array['owner', 'admin']));
create policy p4 on public.with_text for delete using (public.has_role(org_id, array['owner']));
create table public.with_enum (id uuid primary key, org_id uuid, mark text);
alter table public.with_enum enable row level security;
create policy p1 on public.with_enum for select using (exists (select from public.members m where m.org_id = with_enum.org_id and m.user_id = auth.uid()));
create policy p2 on public.with_enum for insert with check (exists (select from public.members m where m.org_id = with_enum.org_id and m.user_id = auth.uid() and m.rank >= 'admin'));
create policy p3 on public.with_enum for update using (exists (select from public.members m where m.org_id = with_enum.org_id and m.user_id = auth.uid() and m.rank in ('admin', 'owner')));
create policy p4 on public.with_enum for delete using ((select m.rank from public.members m where m.org_id = with_enum.org_id and m.user_id = auth.uid()) = 'owner');
create table public.no_such_role (id uuid primary key, org_id uuid, mark text);
alter table public.no_such_role enable row level security;
create policy p1 on public.no_such_role for select using (exists (select from public.members m where m.org_id = no_such_role.org_id and m.user_id = auth.uid() and m.role = 'root'));
create policy p2 on public.no_such_role for delete using (exists (select from public.members m where m.org_id = no_such_role.org_id and m.user_id = auth.uid() and m.role <> all (array['owner', 'admin', 'member'])));
create table public.any_owner (id uuid primary key, org_id uuid, mark text);
alter table public.any_owner enable row level security;
create policy p1 on public.any_owner for select using (exists (select from public.members m where m.user_id = auth.uid() and m.role = 'owner'));
create policy p2 on public.any_owner for update using (exists (select from public.members m where m.org_id = any_owner.org_id and m.role = 'owner'));
-- @seed
insert into public.members select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[m%s]', o) from unnest(array['a', 'b', 'c']) o;
update public.members set role = 'owner', rank = 'owner' where mark = '[ma]';
update public.members set role = 'admin', rank = 'admin' where mark = '[mb]';
insert into public.members values ('aaaaaaaa-0000-4000-8000-200000000001', 'cccccccc-0000-4000-8000-000000000001', '[mac]');
insert into public.with_text select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.with_enum select id, org_id, mark || 'x1' from public.with_text;
insert into public.no_such_role select id, org_id, mark || 'x2' from public.with_text;
insert into public.any_owner select id, org_id, mark || 'x3' from public.with_text;
-- @measures
authenticated public.any_owner all none own none
authenticated public.members own own none own
authenticated public.no_such_role none none none none
authenticated public.with_enum own own own own
authenticated public.with_text own own own own
