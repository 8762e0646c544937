-- What friends share, in either direction, and what blocks hide.
create table public.friends (one uuid not null, other uuid not null, mark text, accepted boolean not null default false, primary key (one, other));
alter table public.friends enable row level security;
create policy either on public.friends for select using (auth.uid() in (one, other));
create policy ask on public.friends for insert with check (one = auth.uid() and not accepted);
create policy accept on public.friends for update using (other = auth.uid()) with check (other = auth.uid());
create policy part on public.friends for delete using (one = auth.uid() or other = auth.uid());
create table public.blocks (by uuid not null, whom uuid not null, mark text, primary key (by, whom));
alter table public.blocks enable row level security;
create policy own on public.blocks using (by = auth.uid());
create table public.follows (follower uuid not null, followed uuid not null, mark text, primary key (follower, followed));
alter table public.follows enable row level security;
create policy own on public.follows using (follower = auth.uid());
create function public.has_blocked(who uuid, whom uuid) returns boolean language sql stable security definer set search_path = '' as
'select exists (select from public.blocks b where b.by = who and b.whom = $2)';
create table public.among_friends (id uuid primary key, user_id uuid, mark text);
alter table public.among_friends enable row level security;
create policy p on public.among_friends using (user_id = auth.uid() or exists (select from public.friends f where f.accepted and ((f.one = auth.uid() and f.other = user_id) or (f.other = auth.uid() and f.one = user_id))));
create table public.of_followed (id uuid primary key, user_id uuid, mark text);
alter table public.of_followed enable row level security;
create policy p on public.of_followed for select using (user_id in (select f.followed from public.follows f where f.follower = auth.uid()));
create table public.unless_blocked (id uuid primary key, user_id uuid, mark text);
alter table public.unless_blocked enable row level security;
create policy p on public.unless_blocked for select using (not exists (select from public.blocks b where b.by = user_id and b.whom = auth.uid()));
create table public.unless_blocked_helped (id uuid primary key, user_id uuid, mark text);
alter table public.unless_blocked_helped enable row level security;
create policy p on public.unless_blocked_helped for select to authenticated using (not public.has_blocked(user_id, auth.uid()));
create table public.friends_unless_blocked (id uuid primary key, user_id uuid, mark text);
alter table public.friends_unless_blocked enable row level security;
create policy p on public.friends_unless_blocked for select using (user_id in (select f.other from public.friends f where f.one = auth.uid() and f.accepted) and not public.has_blocked(user_id, auth.uid()));
-- @seed
insert into public.friends values
  ('aaaaaaaa-0000-4000-8000-000000000001', 'cccccccc-0000-4000-8000-000000000001', '[fac]', true),
  ('dddddddd-0000-4000-8000-000000000001', 'aaaaaaaa-0000-4000-8000-000000000001', '[fda]', true),
  ('bbbbbbbb-0000-4000-8000-000000000001', 'cccccccc-0000-4000-8000-000000000001', '[fbc]', false),
  ('cccccccc-0000-4000-8000-000000000001', 'dddddddd-0000-4000-8000-000000000001', '[fcd]', true);
insert into public.follows values ('aaaaaaaa-0000-4000-8000-000000000001', 'cccccccc-0000-4000-8000-000000000001', '[wac]');
insert into public.blocks values
  ('aaaaaaaa-0000-4000-8000-000000000001', 'dddddddd-0000-4000-8000-000000000001', '[bad]'),
  ('dddddddd-0000-4000-8000-000000000001', 'bbbbbbbb-0000-4000-8000-000000000001', '[bdb]'),
  ('cccccccc-0000-4000-8000-000000000001', 'dddddddd-0000-4000-8000-000000000001', '[bcd]');
insert into public.among_friends select format('%s-0000-4000-8000-100000000010', repeat(o, 8))::uuid, format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[n%s]', o)
  from unnest(array['a', 'b', 'c', 'd']) o;
insert into public.of_followed select id, user_id, mark || 'x1' from public.among_friends;
insert into public.unless_blocked select id, user_id, mark || 'x2' from public.among_friends;
insert into public.unless_blocked_helped select id, user_id, mark || 'x3' from public.among_friends;
insert into public.friends_unless_blocked select id, user_id, mark || 'x4' from public.among_friends;
-- @tied
cccccccc-0000-4000-8000-000000000001 A
dddddddd-0000-4000-8000-000000000001 A
-- @measures
anon public.unless_blocked all none none none
authenticated public.among_friends own own own own
authenticated public.blocks own own own own
authenticated public.follows own own own own
authenticated public.friends own own own own
authenticated public.friends_unless_blocked own none none none
authenticated public.of_followed own none none none
authenticated public.unless_blocked all none none none
authenticated public.unless_blocked_helped all none none none
