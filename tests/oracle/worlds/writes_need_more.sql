-- Statements that need what policies or triggers cannot have: upserts, a policy on a table the role cannot read.
create schema private;
create table private.config (id int primary key, mark text);
create table public.gated (id uuid primary key, user_id uuid, mark text);
alter table public.gated enable row level security;
create policy a on public.gated for select using (true);
create policy b on public.gated for insert with check (exists (select from private.config));
create policy c on public.gated for update using (user_id = auth.uid() or exists (select from private.config));
create policy d on public.gated for delete using (user_id = auth.uid());
create policy e on public.gated as restrictive for delete using (not exists (select from private.config));
create table public.asks_open (id uuid primary key, user_id uuid, mark text);
alter table public.asks_open enable row level security;
create table public.flags (id uuid primary key, user_id uuid, mark text, open boolean);
create policy a on public.asks_open for select using (exists (select from public.flags f where f.open));
create policy b on public.asks_open for insert with check ((select count(*) from public.flags) > 100);
create policy c on public.asks_open for update using (user_id in (select f.user_id from public.flags f));
create policy d on public.asks_open for delete using (user_id = (select f.user_id from public.flags f where f.user_id = auth.uid() limit 1));
create table public.divides (id uuid primary key, user_id uuid, mark text, n int not null);
alter table public.divides enable row level security;
create policy a on public.divides for select using (1 / n > 0);
create policy b on public.divides for delete using (n = 1 and 1 / n > 0);
create table public.casts (id uuid primary key, owner text, mark text);
alter table public.casts enable row level security;
create policy a on public.casts for select using (owner::uuid = auth.uid());
create policy b on public.casts for delete using (true);
-- @seed
insert into private.config values (1, '[cfg]');
insert into public.gated select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.asks_open select id, user_id, mark || 'o' from public.gated;
insert into public.flags select id, user_id, mark || 'f', mark ~ '1' from public.gated;
insert into public.divides select id, user_id, mark || 'd', case when mark ~ '1' then 1 else 2 end from public.gated;
insert into public.casts select id, coalesce(user_id::text, 'nobody'), mark || 'c' from public.gated;
