-- Whoever wants to is a member: of any organisation, of one that it made, or of none.
create table public.orgs (id uuid primary key default gen_random_uuid(), made_by uuid);
create table public.members (org_id uuid not null references public.orgs, user_id uuid not null references auth.users, role text not null default 'member', primary key (org_id, user_id));
create table public.makers (org_id uuid not null references public.orgs, user_id uuid not null references auth.users, primary key (org_id, user_id));
create table public.closed (org_id uuid not null references public.orgs, user_id uuid not null references auth.users, primary key (org_id, user_id));
alter table public.orgs enable row level security;
alter table public.members enable row level security;
alter table public.makers enable row level security;
alter table public.closed enable row level security;
create policy make on public.orgs for insert to authenticated with check (made_by = auth.uid());
create policy own on public.orgs for select to authenticated using (made_by = auth.uid());
create policy own on public.members for select to authenticated using (user_id = auth.uid());
create policy join_any on public.members for insert to authenticated with check (user_id = auth.uid());
create policy own on public.makers for select to authenticated using (user_id = auth.uid());
create policy join_made on public.makers for insert to authenticated with check (user_id = auth.uid() and org_id in (select o.id from public.orgs o where o.made_by = auth.uid()));
create policy own on public.closed for select to authenticated using (user_id = auth.uid());
create table public.docs (id uuid primary key, org_id uuid not null references public.orgs, mark text);
create table public.loose_docs (id uuid primary key, org_id uuid references public.orgs, mark text);
create table public.admin_docs (id uuid primary key, org_id uuid not null references public.orgs, mark text);
create table public.made_docs (id uuid primary key, org_id uuid not null references public.orgs, mark text);
create table public.closed_docs (id uuid primary key, org_id uuid not null references public.orgs, mark text);
alter table public.docs enable row level security;
alter table public.loose_docs enable row level security;
alter table public.admin_docs enable row level security;
alter table public.made_docs enable row level security;
alter table public.closed_docs enable row level security;
create policy p on public.docs using (org_id in (select m.org_id from public.members m where m.user_id = auth.uid()));
create policy p on public.loose_docs using (exists (select from public.members m where m.org_id = loose_docs.org_id and m.user_id = auth.uid()));
create policy p on public.admin_docs using (exists (select from public.members m where m.org_id = admin_docs.org_id and m.user_id = auth.uid() and m.role = 'admin'));
create policy p on public.made_docs using (org_id in (select m.org_id from public.makers m where m.user_id = auth.uid()));
create policy p on public.closed_docs using (org_id in (select m.org_id from public.closed m where m.user_id = auth.uid()));
-- @seed
insert into auth.users (id, email) values ('aaaaaaaa-0000-4000-8000-000000000001', 'a@example.com');
insert into public.orgs values ('aaaaaaaa-0000-4000-8000-200000000001', 'aaaaaaaa-0000-4000-8000-000000000001'), ('bbbbbbbb-0000-4000-8000-200000000001', null);
insert into public.docs select gen_random_uuid(), id, left(id::text, 3) from public.orgs;
insert into public.loose_docs select gen_random_uuid(), id, left(id::text, 3) from public.orgs union all select gen_random_uuid(), null, 'nobody';
insert into public.admin_docs select gen_random_uuid(), id, left(id::text, 3) from public.orgs;
insert into public.made_docs select gen_random_uuid(), id, left(id::text, 3) from public.orgs;
insert into public.closed_docs select gen_random_uuid(), id, left(id::text, 3) from public.orgs;
-- @values
admin
-- @expected
authenticated public.docs all all all all
authenticated public.loose_docs some some some some
authenticated public.admin_docs all all all all
authenticated public.made_docs own own own own
authenticated public.closed_docs own own own own
anon public.docs none none none none
