-- Shares that end: of files with one user, to see or to change, and files that open at a time.
create table public.shares (file_id uuid not null, user_id uuid, mark text, may text not null default 'view' check (may in ('view', 'edit')),
  expires_at timestamptz, id uuid primary key);
alter table public.shares enable row level security;
create policy own on public.shares for select using (user_id = auth.uid() or user_id is null);
create function public.is_shared(file uuid, wanted text) returns boolean language sql stable security definer set search_path = '' as
'select exists (select from public.shares s where s.file_id = file and s.user_id = auth.uid() and (s.may = wanted or s.may = ''edit'') and coalesce(s.expires_at > now(), true))';
create table public.while_shared (id uuid primary key, owner_id uuid, mark text, opens_at timestamptz);
alter table public.while_shared enable row level security;
create policy p on public.while_shared for select using (exists (select from public.shares s where s.file_id = while_shared.id and s.user_id = auth.uid() and s.expires_at > now()));
create table public.while_shared_or_ever (id uuid primary key, owner_id uuid, mark text, opens_at timestamptz);
alter table public.while_shared_or_ever enable row level security;
create policy p on public.while_shared_or_ever for select using (exists (select from public.shares s where s.file_id = while_shared_or_ever.id and s.user_id = auth.uid() and (s.expires_at is null or s.expires_at > now())));
create table public.shared_to_change (id uuid primary key, owner_id uuid, mark text, opens_at timestamptz);
alter table public.shared_to_change enable row level security;
create policy p1 on public.shared_to_change for select using (owner_id = auth.uid() or public.is_shared(id, 'view'));
create policy p2 on public.shared_to_change for update using (owner_id = auth.uid() or public.is_shared(id, 'edit'));
create policy p3 on public.shared_to_change for delete using (owner_id = auth.uid());
create policy p4 on public.shared_to_change for insert with check (owner_id = auth.uid());
create table public.while_open (id uuid primary key, owner_id uuid, mark text, opens_at timestamptz);
alter table public.while_open enable row level security;
create policy p on public.while_open for select using (opens_at <= now());
create table public.shared_with_anybody (id uuid primary key, owner_id uuid, mark text, opens_at timestamptz);
alter table public.shared_with_anybody enable row level security;
create policy p on public.shared_with_anybody for select using (exists (select from public.shares s where s.file_id = shared_with_anybody.id and s.user_id is null));
-- @seed
insert into public.while_shared select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, case when n = 1 then 'cccccccc-0000-4000-8000-000000000001' else format('%s-0000-4000-8000-000000000001', repeat(o, 8)) end::uuid,
  format('[n%s%s]', o, n), case n when 1 then now() - interval '1 day' when 2 then now() + interval '1 day' end from unnest(array['a', 'b', 'c']) o, generate_series(1, 3) n;
insert into public.shares values
  ('aaaaaaaa-0000-4000-8000-100000000010', 'aaaaaaaa-0000-4000-8000-000000000001', '[s1]', 'edit', now() + interval '1 day', 'aaaaaaaa-0000-4000-8000-300000000001'),
  ('bbbbbbbb-0000-4000-8000-100000000010', 'bbbbbbbb-0000-4000-8000-000000000001', '[s2]', 'view', null, 'bbbbbbbb-0000-4000-8000-300000000002'),
  ('cccccccc-0000-4000-8000-100000000010', 'aaaaaaaa-0000-4000-8000-000000000001', '[s3]', 'edit', now() - interval '1 day', 'aaaaaaaa-0000-4000-8000-300000000003'),
  ('cccccccc-0000-4000-8000-100000000020', null, '[s4]', 'view', null, 'cccccccc-0000-4000-8000-300000000004');
insert into public.while_shared_or_ever select id, owner_id, mark || 'x1', opens_at from public.while_shared;
insert into public.shared_to_change select id, owner_id, mark || 'x2', opens_at from public.while_shared;
insert into public.while_open select id, owner_id, mark || 'x3', opens_at from public.while_shared;
insert into public.shared_with_anybody select id, owner_id, mark || 'x4', opens_at from public.while_shared;
-- @measures
anon public.shared_with_anybody some none none none
anon public.shares some none none none
anon public.while_open some none none none
authenticated public.shared_to_change own own own own
authenticated public.shared_with_anybody some none none none
authenticated public.shares some none none none
authenticated public.while_open some none none none
authenticated public.while_shared own none none none
authenticated public.while_shared_or_ever own none none none
