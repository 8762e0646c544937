-- Views that join tables, of which some are anybody's, some one's own, some asked for by who is asking.
create table public.clubs (id uuid primary key, listed boolean not null, mark text);
create table public.belongs (club_id uuid not null references public.clubs, user_id uuid not null, mark text, primary key (club_id, user_id));
create table public.posts (id uuid primary key, club_id uuid not null references public.clubs, author uuid, mark text);
alter table public.clubs enable row level security;
alter table public.belongs enable row level security;
alter table public.posts enable row level security;
create policy own on public.belongs for select using (user_id = auth.uid());
create policy listed on public.clubs for select using (listed);
create policy members on public.posts for select using (exists (select from public.belongs b where b.club_id = posts.club_id and b.user_id = auth.uid()));
-- With the rights of the caller: each table's own policies.
create view public.feed with (security_invoker = on) as
  select p.id, p.mark, c.mark as club from public.posts p join public.clubs c on c.id = p.club_id;
create view public.feed_left with (security_invoker = on) as
  select p.id, p.mark, c.mark as club from public.posts p left join public.clubs c on c.id = p.club_id;
-- With the rights of the owner: what the view itself asks, if anything.
create view public.mine_by_filter as
  select p.id, p.mark from public.posts p join public.belongs b on b.club_id = p.club_id where b.user_id = auth.uid();
create view public.listed_posts as
  select p.id, p.mark from public.posts p join public.clubs c on c.id = p.club_id where c.listed;
create view public.listed_to_users as
  select p.id, p.mark from public.posts p join public.clubs c on c.id = p.club_id where c.listed and auth.uid() is not null;
create view public.everything_to_users as
  select p.id, p.mark, c.mark as club from public.posts p join public.clubs c on c.id = p.club_id where auth.uid() is not null;
create view public.beside as
  select p.id, p.mark from public.posts p, public.belongs b where b.user_id = auth.uid();
create view public.mine_or_listed with (security_invoker = on) as
  select p.id, p.mark from public.posts p union all select c.id, c.mark from public.clubs c;
create view public.nested with (security_invoker = on) as
  select f.id, f.mark from public.feed f join public.mine_by_filter m on m.id = f.id;
create view public.looked_up as
  select p.id, (select c.mark from public.clubs c where c.id = p.club_id) as mark from public.posts p where p.author = auth.uid();
create view public.summed as
  select c.id, c.mark, count(p.id) as posts from public.clubs c join public.posts p on p.club_id = c.id where p.author = auth.uid() group by c.id, c.mark;
-- @seed
insert into public.clubs select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, o <> 'b', format('[c%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.belongs select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[b%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.posts select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[p%s%s]', o, n) from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
-- @measures
anon public.listed_posts some none none none
anon public.listed_to_users none none none none
authenticated public.feed own none none none
authenticated public.mine_by_filter own none none none
authenticated public.listed_posts some none none none
authenticated public.listed_to_users some none none none
authenticated public.mine_or_listed some none none none
authenticated public.nested own none none none
authenticated public.beside some none none none
