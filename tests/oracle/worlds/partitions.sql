-- Partitions of two levels with a default one; RLS on some of them only; rows are put in through the parent.
create table public.events (id uuid not null, user_id uuid, mark text, year int not null, kind text not null) partition by list (year);
alter table public.events enable row level security;
create policy own on public.events using (user_id = auth.uid());
create table public.events_1 partition of public.events for values in (1);
create table public.events_2 partition of public.events for values in (2) partition by list (kind);
create table public.events_2a partition of public.events_2 for values in ('a');
create table public.events_2b partition of public.events_2 default;
alter table public.events_2b enable row level security;
create table public.events_rest partition of public.events default;
alter table public.events_rest enable row level security;
revoke all on public.events_1 from anon, authenticated;
create table public.bare (id uuid not null, user_id uuid, mark text, year int not null) partition by list (year);
create table public.bare_1 partition of public.bare for values in (1);
alter table public.bare_1 enable row level security;
create policy none on public.bare_1 for select using (false);
create table public.bare_2 partition of public.bare default;
alter table public.bare_2 enable row level security;
create table public.leaky (id uuid not null, user_id uuid, mark text, year int not null) partition by list (year);
alter table public.leaky enable row level security;
create table public.leaky_1 partition of public.leaky for values in (1);
create table public.leaky_2 partition of public.leaky default;
-- @seed
insert into public.events select format('%s-0000-4000-8000-10%s0000000%s', repeat(o, 8), n, n + y * 10)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s%s]', o, n, y), n, (array['a', 'b'])[y]
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 3) n, generate_series(1, 2) y;
insert into public.bare select id, user_id, mark || 'b', year from public.events;
insert into public.leaky select id, user_id, mark || 'l', year from public.events;
