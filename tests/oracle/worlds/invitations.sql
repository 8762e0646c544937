-- Invitations to an address: the one in the token, which anybody may sign up with, and the one that the server keeps.
create table public.invitations (id uuid primary key, org_id uuid, mark text, email text not null, accepted boolean not null default false);
create table public.kept_invitations (id uuid primary key, org_id uuid, mark text, email text not null);
create table public.unreadable_users (id uuid primary key, org_id uuid, mark text, email text not null);
create table public.invited_files (id uuid primary key, org_id uuid, mark text);
alter table public.invitations enable row level security;
alter table public.kept_invitations enable row level security;
alter table public.unreadable_users enable row level security;
alter table public.invited_files enable row level security;
create policy invited on public.invitations for select using (email = (auth.jwt() ->> 'email'));
create policy accept on public.invitations for update using (lower(email) = lower(auth.email()) and not accepted);
create function public.my_email() returns text language sql stable security definer set search_path = '' as
'select email from auth.users where id = auth.uid()';
create policy invited on public.kept_invitations for select using (email = public.my_email());
create policy invited on public.unreadable_users for select using (email = (select u.email from auth.users u where u.id = auth.uid()));
create policy invited on public.invited_files for select using (org_id in (select i.org_id from public.invitations i where i.email = auth.email() and i.accepted));
-- @seed
insert into public.invitations select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('[n%s%s]', o, n), o || '@example.com', n = 2 from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.kept_invitations select id, org_id, mark || 'k', email from public.invitations;
insert into public.unreadable_users select id, org_id, mark || 'u', email from public.invitations;
insert into public.invited_files select id, org_id, mark || 'f' from public.invitations;
-- @claims
{"email": "a@example.com"}
{"email": "b@example.com"}
{"email": "c@example.com"}
-- @measures
authenticated public.invitations some none some none
authenticated public.invited_files some none none none
authenticated public.kept_invitations own none none none
authenticated public.unreadable_users none none none none
