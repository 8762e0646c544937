-- FOR ALL with one half, restrictive policies alone, for one command, and for another role.
create table public.only_using (id uuid primary key, user_id uuid, mark text);
alter table public.only_using enable row level security;
create policy a on public.only_using for all to authenticated using (user_id = auth.uid());
create table public.only_check (id uuid primary key, user_id uuid, mark text);
alter table public.only_check enable row level security;
create policy a on public.only_check for all to authenticated with check (user_id = auth.uid());
create table public.only_restrictive (id uuid primary key, user_id uuid, mark text);
alter table public.only_restrictive enable row level security;
create policy a on public.only_restrictive as restrictive using (true) with check (true);
create table public.read_restricted (id uuid primary key, user_id uuid, mark text, ok boolean);
alter table public.read_restricted enable row level security;
create policy a on public.read_restricted using (true) with check (true);
create policy b on public.read_restricted as restrictive for select using (user_id = auth.uid());
create policy c on public.read_restricted as restrictive for insert with check (ok);
create table public.check_restricted (id uuid primary key, user_id uuid, mark text);
alter table public.check_restricted enable row level security;
create policy a on public.check_restricted using (true);
create policy b on public.check_restricted as restrictive with check (user_id = auth.uid());
create table public.other_role (id uuid primary key, user_id uuid, mark text);
alter table public.other_role enable row level security;
create policy a on public.other_role to service_role using (true);
create policy b on public.other_role for select to anon using (true);
create table public.forced (id uuid primary key, user_id uuid, mark text);
alter table public.forced enable row level security;
alter table public.forced force row level security;
create policy a on public.forced for select to authenticated using (user_id = auth.uid());
create policy b on public.forced for select to authenticated using (mark = '[na1]f' or user_id is null);
-- @seed
insert into public.only_using select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.only_check select id, user_id, mark || 'c' from public.only_using;
insert into public.only_restrictive select id, user_id, mark || 'r' from public.only_using;
insert into public.read_restricted select id, user_id, mark || 'd', mark ~ '1' from public.only_using;
insert into public.check_restricted select id, user_id, mark || 'k' from public.only_using;
insert into public.other_role select id, user_id, mark || 'o' from public.only_using;
insert into public.forced select id, user_id, mark || 'f' from public.only_using;
