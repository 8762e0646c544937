-- A role in one's own profile: that anybody may set, or that grants, checks or triggers keep.
create table public.open_profiles (id uuid primary key references auth.users, role text not null default 'user', nick text);
create table public.granted_profiles (id uuid primary key references auth.users, role text not null default 'user', nick text);
create table public.checked_profiles (id uuid primary key references auth.users, role text not null default 'user', nick text);
create table public.fixed_profiles (id uuid primary key references auth.users, role text not null default 'user', nick text);
create table public.guarded_profiles (id uuid primary key references auth.users, role text not null default 'user', nick text);
create function public.role_of() returns text language sql stable security definer set search_path = '' as
'select p.role from public.checked_profiles p where p.id = auth.uid()';
create function public.keep_role() returns trigger language plpgsql as $$ begin
  if new.role is distinct from old.role then raise exception 'no'; end if;
  return new;
end $$;
create trigger keep before update on public.guarded_profiles for each row execute function public.keep_role();
alter table public.open_profiles enable row level security;
alter table public.granted_profiles enable row level security;
alter table public.checked_profiles enable row level security;
alter table public.fixed_profiles enable row level security;
alter table public.guarded_profiles enable row level security;
create policy own on public.open_profiles for select using (id = auth.uid());
create policy change on public.open_profiles for update using (id = auth.uid());
create policy own on public.granted_profiles for select using (id = auth.uid());
create policy change on public.granted_profiles for update using (id = auth.uid());
revoke update on public.granted_profiles from anon, authenticated;
grant update (nick) on public.granted_profiles to authenticated;
create policy own on public.checked_profiles for select using (id = auth.uid());
create policy change on public.checked_profiles for update using (id = auth.uid()) with check (id = auth.uid() and role = public.role_of());
create policy own on public.fixed_profiles for select using (id = auth.uid());
create policy change on public.fixed_profiles for update using (id = auth.uid()) with check (id = auth.uid() and role = 'user');
create policy own on public.guarded_profiles for select using (id = auth.uid());
create policy change on public.guarded_profiles for update using (id = auth.uid());
create table public.by_open (id uuid primary key, mark text);
create table public.by_granted (id uuid primary key, mark text);
create table public.by_checked (id uuid primary key, mark text);
create table public.by_fixed (id uuid primary key, mark text);
create table public.by_guarded (id uuid primary key, mark text);
alter table public.by_open enable row level security;
alter table public.by_granted enable row level security;
alter table public.by_checked enable row level security;
alter table public.by_fixed enable row level security;
alter table public.by_guarded enable row level security;
create policy p on public.by_open using (exists (select from public.open_profiles p where p.id = auth.uid() and p.role = 'admin'));
create policy p on public.by_granted using (exists (select from public.granted_profiles p where p.id = auth.uid() and p.role = 'admin'));
create policy p on public.by_checked using (exists (select from public.checked_profiles p where p.id = auth.uid() and p.role = 'admin'));
create policy p on public.by_fixed using ((select p.role from public.fixed_profiles p where p.id = auth.uid()) = 'admin');
create policy p on public.by_guarded using (exists (select from public.guarded_profiles p where p.id = auth.uid() and p.role = 'admin'));
-- @seed
insert into public.open_profiles (id) select id from auth.users;
insert into public.granted_profiles (id) select id from auth.users;
insert into public.checked_profiles (id) select id from auth.users;
insert into public.fixed_profiles (id) select id from auth.users;
insert into public.guarded_profiles (id) select id from auth.users;
insert into public.by_open values (gen_random_uuid(), 'a'), (gen_random_uuid(), 'b');
insert into public.by_granted table public.by_open;
insert into public.by_checked table public.by_open;
insert into public.by_fixed table public.by_open;
insert into public.by_guarded table public.by_open;
-- @values
admin
-- @expected
authenticated public.by_open all all all all
authenticated public.by_granted none none none none
authenticated public.by_fixed none none none none
authenticated public.by_checked unknown unknown unknown unknown
authenticated public.by_guarded unknown unknown unknown unknown
