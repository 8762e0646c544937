-- Grants on columns keep users from what decides about them: who is an admin, and how many credits there are.
create table public.people (id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users on delete cascade, nickname text, bio text,
  is_admin boolean not null default false, credits int not null default 0, mark text);
create table public.reports (id uuid primary key default gen_random_uuid(), author uuid not null references auth.users,
  body text, mark text);
alter table public.people enable row level security;
alter table public.reports enable row level security;
revoke all on public.people, public.reports from anon, authenticated;
grant select on public.people to authenticated;
grant insert (user_id, nickname, bio, mark), update (nickname, bio) on public.people to authenticated;
grant select, insert, delete on public.reports to authenticated;
create policy "me" on public.people for select to authenticated using (user_id = (select auth.uid()));
create policy "I come" on public.people for insert to authenticated with check (user_id = (select auth.uid()));
create policy "I change" on public.people for update to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy "mine, or all for admins" on public.reports for select to authenticated using (
  author = (select auth.uid()) or exists (select 1 from public.people p where p.user_id = (select auth.uid()) and p.is_admin));
create policy "I write" on public.reports for insert to authenticated with check (author = (select auth.uid()));
create policy "I withdraw" on public.reports for delete to authenticated using (author = (select auth.uid()));
-- @seed
insert into public.people select format('%s-0000-4000-8000-300000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, o, null, false, 0, format('[person %s]', o)
  from unnest(array['a', 'b', 'c']) o;
insert into public.reports select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, 'text', format('[report %s]', o) from unnest(array['a', 'b', 'c']) o;
-- @measures
authenticated public.people own own own none
authenticated public.reports own own none own
anon public.people none none none none
