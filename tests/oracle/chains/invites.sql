-- Invitations: such as anybody writes for itself, and such as somebody else does.
create table public.orgs (id uuid primary key);
create table public.invites (org_id uuid not null references public.orgs, user_id uuid, primary key (org_id, user_id));
create table public.guests (org_id uuid not null references public.orgs, user_id uuid not null references auth.users, primary key (org_id, user_id));
create table public.invited (org_id uuid not null references public.orgs, user_id uuid not null references auth.users, primary key (org_id, user_id));
create table public.kept_invites (org_id uuid not null references public.orgs, user_id uuid, primary key (org_id, user_id));
alter table public.orgs enable row level security;
alter table public.invites enable row level security;
alter table public.guests enable row level security;
alter table public.invited enable row level security;
alter table public.kept_invites enable row level security;
create policy write on public.invites for insert to authenticated with check (true);
create policy read on public.invites for select to authenticated using (user_id = auth.uid());
create policy join_invited on public.guests for insert to authenticated with check (user_id = auth.uid() and exists (select from public.invites i where i.org_id = guests.org_id and i.user_id = auth.uid()));
create policy own on public.guests for select to authenticated using (user_id = auth.uid());
create policy read on public.kept_invites for select to authenticated using (user_id = auth.uid());
create policy join_invited on public.invited for insert to authenticated with check (user_id = auth.uid() and exists (select from public.kept_invites i where i.org_id = invited.org_id and i.user_id = auth.uid()));
create policy own on public.invited for select to authenticated using (user_id = auth.uid());
create table public.guest_docs (id uuid primary key, org_id uuid not null references public.orgs, mark text);
create table public.invited_docs (id uuid primary key, org_id uuid not null references public.orgs, mark text);
alter table public.guest_docs enable row level security;
alter table public.invited_docs enable row level security;
create policy p on public.guest_docs using (exists (select from public.guests g where g.org_id = guest_docs.org_id and g.user_id = auth.uid()));
create policy p on public.invited_docs using (exists (select from public.invited g where g.org_id = invited_docs.org_id and g.user_id = auth.uid()));
-- @seed
insert into public.orgs values ('aaaaaaaa-0000-4000-8000-200000000001'), ('bbbbbbbb-0000-4000-8000-200000000001');
insert into public.guest_docs select gen_random_uuid(), id, left(id::text, 3) from public.orgs;
insert into public.invited_docs select gen_random_uuid(), id, left(id::text, 3) from public.orgs;
-- @expected
authenticated public.guest_docs all all all all
authenticated public.invited_docs own own own own
