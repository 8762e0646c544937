-- Who has a row may change it into itself, and gains nothing by that; who has none puts one in.
create table public.people (id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users,
  nickname text, is_admin boolean not null default false);
alter table public.people enable row level security;
revoke all on public.people from anon, authenticated;
grant select, insert (user_id, nickname), update (nickname) on public.people to authenticated;
create policy me on public.people for select to authenticated using (user_id = auth.uid());
create policy come on public.people for insert to authenticated with check (user_id = auth.uid());
create policy change on public.people for update to authenticated using (user_id = auth.uid()) with check (user_id = auth.uid());
create table public.reports (id uuid primary key, author uuid not null references auth.users, mark text);
alter table public.reports enable row level security;
create policy p on public.reports for select to authenticated using (
  author = auth.uid() or exists (select from public.people p where p.user_id = auth.uid() or p.is_admin));
-- @seed
insert into auth.users (id, email) values ('aaaaaaaa-0000-4000-8000-000000000001', 'a@example.com');
insert into public.reports values (gen_random_uuid(), 'aaaaaaaa-0000-4000-8000-000000000001', 'a report');
-- @values
a name
-- @expected
authenticated public.reports all none none none
anon public.reports none none none none
