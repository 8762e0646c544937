-- Views run with the rights of whoever asks, so that the policies below them hold.
create table public.readings (id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users,
  at timestamptz not null default now(), value numeric not null, mark text);
create table public.devices (id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users, name text, mark text);
alter table public.readings enable row level security;
alter table public.devices enable row level security;
create policy own on public.readings to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy own on public.devices to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create view public.latest with (security_invoker = on) as select r.id, r.user_id, r.at, r.value, r.mark from public.readings r;
create view public.high with (security_invoker = true) as select l.id, l.value, l.mark from public.latest l where l.value > 10;
create view public.owned with (security_invoker = true, security_barrier = true) as
  select d.id, d.name, d.mark from public.devices d;
-- @seed
insert into public.readings select format('%s-0000-4000-8000-2000000000%s0', repeat(o, 8), n)::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, now(), n * 8, format('[reading %s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.devices select format('%s-0000-4000-8000-300000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, 'a device', format('[device %s]', o) from unnest(array['a', 'b', 'c']) o;
-- @measures
authenticated public.readings own own own own
authenticated public.devices own own own own
anon public.readings none none none none
