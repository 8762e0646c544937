-- Rows put into an organisation or moved to another, with the membership checked before, after or never; rows handed out by RETURNING.
create table public.orgs (id uuid primary key, mark text);
alter table public.orgs enable row level security;
create table public.members (org_id uuid not null references public.orgs, user_id uuid not null references auth.users, mark text,
  primary key (org_id, user_id));
alter table public.members enable row level security;
create policy own on public.members for select using (user_id = auth.uid());
create policy see on public.orgs for select using (true);
create table public.checked_both (id uuid primary key, org_id uuid, mark text, user_id uuid);
alter table public.checked_both enable row level security;
create policy p1 on public.checked_both for select using (org_id in (select m.org_id from public.members m where m.user_id = auth.uid()));
create policy p2 on public.checked_both for update using (org_id in (select m.org_id from public.members m where m.user_id = auth.uid())) with check (org_id in (select m.org_id from public.members m where m.user_id = auth.uid()));
create policy p3 on public.checked_both for insert with check (org_id in (select m.org_id from public.members m where m.user_id = auth.uid()));
create table public.unchecked (id uuid primary key, org_id uuid, mark text, user_id uuid);
alter table public.unchecked enable row level security;
create policy p1 on public.unchecked for select using (true);
create policy p2 on public.unchecked for update using (org_id in (select m.org_id from public.members m where m.user_id = auth.uid())) with check (true);
create policy p3 on public.unchecked for insert with check (true);
create table public.checked_only (id uuid primary key, org_id uuid not null references public.orgs, mark text, user_id uuid);
alter table public.checked_only enable row level security;
create policy p1 on public.checked_only for update using (true) with check (org_id in (select m.org_id from public.members m where m.user_id = auth.uid()));
create policy p2 on public.checked_only for insert with check (exists (select from public.orgs o where o.id = org_id));
create table public.put_by_me (id uuid primary key, org_id uuid, mark text, user_id uuid);
alter table public.put_by_me enable row level security;
create policy p1 on public.put_by_me for select using (org_id in (select m.org_id from public.members m where m.user_id = auth.uid()) or user_id = auth.uid());
create policy p2 on public.put_by_me for insert with check (user_id = auth.uid());
create policy p3 on public.put_by_me for delete using (user_id = auth.uid());
create table public.put_by_member (id uuid primary key, org_id uuid, mark text, user_id uuid);
alter table public.put_by_member enable row level security;
create policy p1 on public.put_by_member for insert with check (user_id = auth.uid() and org_id in (select m.org_id from public.members m where m.user_id = auth.uid()));
create policy p2 on public.put_by_member for update using (user_id = auth.uid()) with check (org_id in (select m.org_id from public.members m where m.user_id = auth.uid()));
create table public.queue (id uuid primary key, org_id uuid, mark text, user_id uuid);
alter table public.queue enable row level security;
create function public.take_mine() returns setof text language sql security definer set search_path = '' as
'delete from public.queue where user_id = auth.uid() returning mark';
create function public.change_ours() returns setof text language sql security definer set search_path = '' as
'update public.queue q set mark = q.mark || ''!'' from public.members m where m.org_id = q.org_id and m.user_id = auth.uid() returning q.mark';
-- @seed
insert into public.orgs select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[o%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.members select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[m%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.checked_both select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[n%s%s]', o, n), case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.unchecked select id, org_id, mark || 'x1', user_id from public.checked_both;
insert into public.checked_only select id, org_id, mark || 'x2', user_id from public.checked_both;
insert into public.put_by_me select id, org_id, mark || 'x3', user_id from public.checked_both;
insert into public.put_by_member select id, org_id, mark || 'x4', user_id from public.checked_both;
insert into public.queue select id, org_id, mark || 'x5', user_id from public.checked_both;
-- @calls
select * from public.take_mine()
select * from public.change_ours()
-- @measures
anon public.checked_only none all none none
anon public.orgs all none none none
anon public.unchecked all all none none
authenticated public.checked_both own own own none
authenticated public.checked_only none all all none
authenticated public.members own none none none
authenticated public.orgs all none none none
authenticated public.put_by_me own own none own
authenticated public.put_by_member none own own none
authenticated public.queue own none own own
authenticated public.unchecked all all own none
