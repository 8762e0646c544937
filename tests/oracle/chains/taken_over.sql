-- A row that anybody may change is taken over as it stands, under its own key; one's own is no stranger's for being changed.
create table public.orgs (id uuid primary key, owner uuid);
create table public.own_orgs (id uuid primary key, owner uuid);
alter table public.orgs enable row level security;
alter table public.own_orgs enable row level security;
create policy own on public.orgs for select to authenticated using (owner = auth.uid());
create policy anybody on public.orgs for update to authenticated using (true);
create policy own on public.own_orgs to authenticated using (owner = auth.uid());
create table public.docs (id uuid primary key, org_id uuid not null references public.orgs, mark text);
create table public.own_docs (id uuid primary key, org_id uuid not null references public.own_orgs, mark text);
alter table public.docs enable row level security;
alter table public.own_docs enable row level security;
create policy p on public.docs using (org_id in (select o.id from public.orgs o where o.owner = auth.uid()));
create policy p on public.own_docs using (org_id in (select o.id from public.own_orgs o where o.owner = auth.uid()));
-- @seed
insert into public.orgs values ('aaaaaaaa-0000-4000-8000-200000000001', null), ('bbbbbbbb-0000-4000-8000-200000000001', null);
insert into public.own_orgs table public.orgs;
insert into public.docs select gen_random_uuid(), id, left(id::text, 3) from public.orgs;
insert into public.own_docs select gen_random_uuid(), id, left(id::text, 3) from public.orgs;
-- @expected
authenticated public.docs unknown unknown unknown unknown
authenticated public.own_docs own own own own
