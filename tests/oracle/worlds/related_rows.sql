-- Comments of posts: what the posts' own policies show counts within the subquery, unless a helper looks.
create table public.posts (id uuid primary key, user_id uuid, mark text, published boolean not null);
create table public.sealed_posts (id uuid primary key, user_id uuid, mark text, published boolean not null);
alter table public.posts enable row level security;
alter table public.sealed_posts enable row level security;
create policy see on public.posts for select using (published or user_id = auth.uid());
create policy see on public.sealed_posts for select using (true);
create policy signed_in on public.sealed_posts as restrictive for select using (user_id = auth.uid());
create function public.is_published(post uuid) returns boolean language sql stable security definer set search_path = '' as
'select coalesce((select p.published from public.sealed_posts p where p.id = post), false)';
create table public.of_published (id uuid primary key, post_id uuid, mark text);
alter table public.of_published enable row level security;
create policy p on public.of_published for select using (exists (select from public.posts p where p.id = post_id and p.published));
create table public.of_visible (id uuid primary key, post_id uuid, mark text);
alter table public.of_visible enable row level security;
create policy p on public.of_visible using (exists (select from public.posts p where p.id = post_id));
create table public.of_unpublished (id uuid primary key, post_id uuid, mark text);
alter table public.of_unpublished enable row level security;
create policy p on public.of_unpublished for select using (exists (select from public.posts p where p.id = post_id and not p.published));
create table public.of_sealed (id uuid primary key, post_id uuid, mark text);
alter table public.of_sealed enable row level security;
create policy p on public.of_sealed for select using (exists (select from public.sealed_posts p where p.id = post_id and p.published));
create table public.of_sealed_helped (id uuid primary key, post_id uuid, mark text);
alter table public.of_sealed_helped enable row level security;
create policy p on public.of_sealed_helped for select using (public.is_published(post_id));
create table public.of_any_published (id uuid primary key, post_id uuid, mark text);
alter table public.of_any_published enable row level security;
create policy p on public.of_any_published for select using (exists (select from public.posts p where p.published));
create table public.of_owner (id uuid primary key, post_id uuid, mark text);
alter table public.of_owner enable row level security;
create policy p1 on public.of_owner for select using (true);
create policy p2 on public.of_owner for delete using ((select p.user_id from public.posts p where p.id = post_id) = auth.uid());
create policy p3 on public.of_owner for insert with check (exists (select from public.posts p where p.id = post_id and p.published));
-- @seed
insert into public.posts select format('%s-0000-4000-8000-4000000000%s0', repeat(o, 8), n)::uuid, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end,
  format('[p%s%s]', o, n), n = 1 from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.sealed_posts select id, user_id, mark || 's', published from public.posts;
insert into public.of_published select replace(id::text, '-40', '-10')::uuid, id, mark || 'x0' from public.posts;
insert into public.of_visible select id, post_id, mark || 'x1' from public.of_published;
insert into public.of_unpublished select id, post_id, mark || 'x2' from public.of_published;
insert into public.of_sealed select id, post_id, mark || 'x3' from public.of_published;
insert into public.of_sealed_helped select id, post_id, mark || 'x4' from public.of_published;
insert into public.of_any_published select id, post_id, mark || 'x5' from public.of_published;
insert into public.of_owner select id, post_id, mark || 'x6' from public.of_published;
-- @measures
anon public.of_any_published all none none none
anon public.of_owner all some none none
anon public.of_published some none none none
anon public.of_sealed_helped some none none none
anon public.of_visible some some some some
anon public.posts some none none none
authenticated public.of_any_published all none none none
authenticated public.of_owner all some none own
authenticated public.of_published some none none none
authenticated public.of_sealed own none none none
authenticated public.of_sealed_helped some none none none
authenticated public.of_unpublished own none none none
authenticated public.of_visible some some some some
authenticated public.posts some none none none
authenticated public.sealed_posts own none none none
