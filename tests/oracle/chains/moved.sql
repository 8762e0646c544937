-- A membership that somebody gave, and that the member moves elsewhere, as far as grants and keys let it.
create table public.orgs (id uuid primary key, owner uuid);
create table public.moved (user_id uuid primary key references auth.users, org_id uuid references public.orgs);
create table public.kept (user_id uuid primary key references auth.users, org_id uuid references public.orgs, nick text);
alter table public.orgs enable row level security;
alter table public.moved enable row level security;
alter table public.kept enable row level security;
create policy own on public.orgs to authenticated using (owner = auth.uid());
create policy own on public.moved to authenticated using (user_id = auth.uid());
create policy own on public.kept for select to authenticated using (user_id = auth.uid());
create policy nick on public.kept for update to authenticated using (user_id = auth.uid());
revoke update on public.kept from anon, authenticated;
grant update (nick) on public.kept to authenticated;
create table public.moved_docs (id uuid primary key, org_id uuid not null references public.orgs, mark text);
create table public.kept_docs (id uuid primary key, org_id uuid not null references public.orgs, mark text);
create table public.owned_docs (id uuid primary key, org_id uuid not null references public.orgs, mark text);
alter table public.moved_docs enable row level security;
alter table public.kept_docs enable row level security;
alter table public.owned_docs enable row level security;
create policy p on public.moved_docs using (org_id in (select m.org_id from public.moved m where m.user_id = auth.uid()));
create policy p on public.kept_docs using (org_id in (select m.org_id from public.kept m where m.user_id = auth.uid()));
create policy p on public.owned_docs using (org_id in (select o.id from public.orgs o where o.owner = auth.uid()));
-- @seed
insert into public.orgs values ('aaaaaaaa-0000-4000-8000-200000000001'), ('bbbbbbbb-0000-4000-8000-200000000001');
insert into public.moved select id, null from auth.users;
insert into public.kept select id, null from auth.users;
insert into public.moved_docs select gen_random_uuid(), id, left(id::text, 3) from public.orgs;
insert into public.kept_docs select gen_random_uuid(), id, left(id::text, 3) from public.orgs;
insert into public.owned_docs select gen_random_uuid(), id, left(id::text, 3) from public.orgs;
-- @values
x
-- @expected
authenticated public.moved_docs all all all all
authenticated public.kept_docs own own own own
authenticated public.owned_docs own own own own
