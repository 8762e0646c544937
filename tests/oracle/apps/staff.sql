-- Staff is who the server says so in app_metadata; everybody else has tickets of one's own.
create function public.is_staff() returns boolean language sql stable set search_path = '' as
$$ select coalesce((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'staff', false) $$;
create table public.tickets (id uuid primary key default gen_random_uuid(), user_id uuid not null default auth.uid() references auth.users,
  subject text, mark text);
create table public.replies (id uuid primary key default gen_random_uuid(), ticket_id uuid not null references public.tickets on delete cascade,
  body text, internal boolean not null default false, mark text);
alter table public.tickets enable row level security;
alter table public.replies enable row level security;
create policy tickets_read on public.tickets for select to authenticated using (user_id = (select auth.uid()) or (select public.is_staff()));
create policy tickets_open on public.tickets for insert to authenticated with check (user_id = (select auth.uid()));
create policy tickets_change on public.tickets for update to authenticated using ((select public.is_staff())) with check ((select public.is_staff()));
create policy replies_read on public.replies for select to authenticated using (
  (select public.is_staff())
  or (not internal and exists (select 1 from public.tickets t where t.id = ticket_id and t.user_id = (select auth.uid()))));
create policy replies_write on public.replies for insert to authenticated with check ((select public.is_staff()));
-- @seed
insert into public.tickets select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, 'help', format('[ticket %s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.replies select format('%s-0000-4000-8000-3000000000%s0', repeat(o, 8), n)::uuid,
  format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, 'text', n = 2, format('[reply %s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
-- @measures
authenticated public.tickets own own none none
authenticated public.replies own none none none
anon public.tickets none none none none
