-- Views with queries for values that sum up: their rows are the table's, unless it is those that are summed up.
create table public.posts (id uuid primary key default gen_random_uuid(), user_id uuid, mark text);
create table public.own_posts (id uuid primary key default gen_random_uuid(), user_id uuid, mark text);
create table public.most (id uuid primary key default gen_random_uuid(), user_id uuid, mark text);
create table public.likes (post_id uuid, user_id uuid);
alter table public.posts enable row level security;
alter table public.own_posts enable row level security;
alter table public.most enable row level security;
alter table public.likes enable row level security;
create policy own on public.own_posts using (user_id = auth.uid());
create view public.liked_posts as
  select p.id, p.user_id, p.mark, (select count(*) from public.likes l where l.post_id = p.id) as likes from public.posts p;
create view public.liked_own_posts with (security_invoker = on) as
  select p.id, p.user_id, p.mark, (select string_agg(l.user_id::text, ',') from public.likes l where l.post_id = p.id) as likes
  from public.own_posts p;
create view public.the_most as select (select max(m.mark) from public.likes l limit 1) as mark from public.most m;
-- @seed
insert into public.posts (user_id, mark) select u, 'post-' || left(u::text, 3) from unnest(array['aaaaaaaa-0000-4000-8000-000000000001', 'bbbbbbbb-0000-4000-8000-000000000001']::uuid[]) u;
insert into public.own_posts (user_id, mark) select user_id, 'own-' || mark from public.posts;
insert into public.most (user_id, mark) select user_id, 'most-' || mark from public.posts;
insert into public.likes select id, user_id from public.posts;
-- @measures
authenticated public.posts all all all all
authenticated public.own_posts own own own own
