-- No two rows have one key, so that what asks for another row of the same key never finds one.
create table public.paired (id uuid primary key, user_id uuid unique, mark text);
alter table public.paired enable row level security;
create function public.has_pair(i uuid, u uuid) returns boolean language sql stable security definer set search_path = '' as
'select exists (select from public.paired q where q.user_id = u and q.id <> i)';
create policy s on public.paired using (public.has_pair(id, user_id)) with check (false);
create table public.doubled (id uuid primary key, user_id uuid, mark text, n int);
alter table public.doubled enable row level security;
create function public.is_doubled(i uuid, m int) returns boolean language sql stable security definer set search_path = '' as
'select exists (select from public.doubled q where q.id = i and q.n <> m)';
create policy s on public.doubled using (public.is_doubled(id, n)) with check (false);
create table public.later (id uuid primary key, user_id uuid unique deferrable initially deferred, mark text);
alter table public.later enable row level security;
create function public.has_later(i uuid, u uuid) returns boolean language sql stable security definer set search_path = '' as
'select exists (select from public.later q where q.user_id = u and q.id <> i)';
create policy s on public.later for select using (public.has_later(id, user_id));
create table public.often (id uuid primary key, user_id uuid, mark text);
alter table public.often enable row level security;
create function public.has_more(i uuid, u uuid) returns boolean language sql stable security definer set search_path = '' as
'select exists (select from public.often q where q.user_id = u and q.id <> i)';
create policy s on public.often using (public.has_more(id, user_id)) with check (false);
-- @seed
insert into public.often select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.paired select id, user_id, mark || 'p' from public.often where mark ~ '1';
insert into public.doubled select id, user_id, mark || 'd', 1 from public.often;
insert into public.later select id, user_id, mark || 'l' from public.often where mark ~ '1';
-- @measures
anon public.paired none none none none
anon public.doubled none none none none
anon public.later none none none none
anon public.often some none none some
