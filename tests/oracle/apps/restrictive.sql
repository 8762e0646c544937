-- Floors under everything: no account without an address, and payments only with a second factor.
create table public.posts (id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users, body text, mark text);
create table public.payments (id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users,
  card_last4 text, mark text);
alter table public.posts enable row level security;
alter table public.payments enable row level security;
create policy "own posts" on public.posts to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy "own payments" on public.payments to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy "no anonymous sign-ins" on public.posts as restrictive to authenticated
  using (((select auth.jwt()) ->> 'is_anonymous')::boolean is not true);
create policy "no anonymous sign-ins" on public.payments as restrictive to authenticated
  using (((select auth.jwt()) ->> 'is_anonymous')::boolean is not true);
create policy "a second factor" on public.payments as restrictive to authenticated
  using ((select auth.jwt()) ->> 'aal' = 'aal2');
-- @seed
insert into public.posts select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, 'text', format('[post %s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.payments select format('%s-0000-4000-8000-300000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, '4242', format('[payment %s]', o) from unnest(array['a', 'b', 'c']) o;
-- @claims
{"aal": "aal2"}
-- @measures
authenticated public.posts own own own own
anonymous-sign-in public.posts none none none none
aal2 public.payments own own own own
