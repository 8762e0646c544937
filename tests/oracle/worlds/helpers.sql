-- Helper functions in policies, and policies that read other tables: some of which the role may not read.
create schema private;
create table public.members (team uuid not null, user_id uuid not null, mark text, primary key (team, user_id));
alter table public.members enable row level security;
create policy own on public.members for select to authenticated using (user_id = auth.uid());
create table public.docs (id uuid primary key, team uuid, mark text);
alter table public.docs enable row level security;
create policy team on public.docs to authenticated using (exists (select from public.members m where m.team = docs.team and m.user_id = auth.uid()));
create function public.is_member(uuid) returns boolean language sql stable security definer set search_path = '' as
'select exists (select 1 from public.members m where m.team = $1 and m.user_id = (select auth.uid()))';
create table public.helped (id uuid primary key, team uuid, mark text);
alter table public.helped enable row level security;
create policy team on public.helped using (public.is_member(team));
create function private.member_of(uuid) returns boolean language plpgsql stable security definer set search_path = '' as
$$ begin return exists (select 1 from public.members m where m.team = $1 and m.user_id = auth.uid()); end $$;
create table public.helped_unusable (id uuid primary key, team uuid, mark text);
alter table public.helped_unusable enable row level security;
create policy team on public.helped_unusable using (private.member_of(team));
create function public.forbidden(uuid) returns boolean language sql stable as 'select true';
revoke execute on function public.forbidden(uuid) from public, anon, authenticated;
create table public.helped_forbidden (id uuid primary key, team uuid, mark text);
alter table public.helped_forbidden enable row level security;
create policy team on public.helped_forbidden using (public.forbidden(team));
create table private.staff (user_id uuid, mark text, id uuid primary key default gen_random_uuid());
create table public.by_staff (id uuid primary key, team uuid, mark text);
alter table public.by_staff enable row level security;
create policy staff on public.by_staff using (auth.uid() in (select user_id from private.staff));
create table public.looped (id uuid primary key, user_id uuid, mark text);
alter table public.looped enable row level security;
create policy a on public.looped using (exists (select from public.looped l where l.user_id = auth.uid()));
create table public.always (id uuid primary key, team uuid, mark text);
alter table public.always enable row level security;
create function public.yes() returns boolean language sql stable as 'select true';
create function public.me() returns uuid language sql stable as 'select auth.uid()';
create policy yes on public.always for select using (public.yes());
create policy me on public.always for insert with check (public.me() is not null);
create policy me2 on public.always for delete using (public.me() = 'cccccccc-0000-4000-8000-000000000001');
create table public.not_member (id uuid primary key, team uuid, mark text);
alter table public.not_member enable row level security;
create policy team on public.not_member using (not public.is_member(team));
create policy team2 on public.not_member for insert with check (public.is_member(team) is null);
-- @seed
insert into public.members values ('aaaaaaaa-0000-4000-8000-200000000001', 'aaaaaaaa-0000-4000-8000-000000000001', '[m1]'),
  ('bbbbbbbb-0000-4000-8000-200000000001', 'bbbbbbbb-0000-4000-8000-000000000001', '[m2]');
insert into public.docs select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.helped select id, team, mark || 'h' from public.docs;
insert into public.helped_unusable select id, team, mark || 'u' from public.docs;
insert into public.helped_forbidden select id, team, mark || 'f' from public.docs;
insert into public.by_staff select id, team, mark || 's' from public.docs;
insert into public.looped select id, null, mark || 'l' from public.docs;
insert into public.always select id, team, mark || 'a' from public.docs;
insert into public.not_member select id, team, mark || 'n' from public.docs;
insert into private.staff values ('cccccccc-0000-4000-8000-000000000001', '[st]');
