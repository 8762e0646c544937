-- Rows of one's own, published rows, rows of anybody signed in, and a table with RLS and nothing else.
create table public.notes (
  id uuid primary key default gen_random_uuid(), user_id uuid default auth.uid() references auth.users,
  mark text not null, published boolean not null default false);
alter table public.notes enable row level security;
create policy see on public.notes for select using (user_id = (select auth.uid()) or published);
create policy put on public.notes for insert to authenticated with check (user_id = (select auth.uid()));
create policy change on public.notes for update to authenticated using (user_id = auth.uid());
create policy remove on public.notes for delete to authenticated using (user_id = auth.uid() and not published);
create table public.shut (id uuid primary key, user_id uuid, mark text);
alter table public.shut enable row level security;
create table public.open (id uuid primary key, user_id uuid, mark text);
create table public.signed_in (id uuid primary key, user_id uuid, mark text);
alter table public.signed_in enable row level security;
create policy everything on public.signed_in using (auth.uid() is not null) with check (auth.role() = 'authenticated');
create table public.unlike (id uuid primary key, user_id uuid, mark text);
alter table public.unlike enable row level security;
create policy a on public.unlike using (user_id is not distinct from auth.uid());
-- @seed
insert into public.notes select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n), n = 2
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.shut select id, user_id, mark || 's' from public.notes;
insert into public.open select id, user_id, mark || 'o' from public.notes;
insert into public.signed_in select id, user_id, mark || 'i' from public.notes;
insert into public.unlike select id, user_id, mark || 'u' from public.notes;
