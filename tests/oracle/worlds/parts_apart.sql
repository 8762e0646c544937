-- Ways into some parts do not add up to all rows: a partition is closed, or a table has rows beside its children's.
create table public.sorts (id uuid not null, user_id uuid, mark text, year int not null) partition by list (year);
alter table public.sorts enable row level security;
create policy own on public.sorts using (user_id = auth.uid());
create table public.sorts_1 partition of public.sorts for values in (1);
create table public.sorts_2 partition of public.sorts for values in (2);
create table public.sorts_rest partition of public.sorts default;
alter table public.sorts_rest enable row level security;
create table public.heads (id uuid primary key, user_id uuid, mark text, n int not null);
alter table public.heads enable row level security;
create policy even on public.heads using (n = 2);
create table public.heads_1 (primary key (id)) inherits (public.heads);
alter table public.heads_1 enable row level security;
create policy odd on public.heads_1 using (n = 1);
create table public.hollow (id uuid primary key, user_id uuid, mark text, n int not null, check (false) no inherit);
alter table public.hollow enable row level security;
create table public.hollow_1 (primary key (id)) inherits (public.hollow);
create table public.hollow_2 (primary key (id)) inherits (public.hollow);
create table public.lone_hollow (id uuid primary key, user_id uuid, mark text, check (false) no inherit);
alter table public.lone_hollow enable row level security;
create table public.lone_hollow_1 (primary key (id)) inherits (public.lone_hollow);
create table public.halves (id uuid not null, user_id uuid, mark text, year int not null) partition by list (year);
alter table public.halves enable row level security;
create table public.halves_1 partition of public.halves for values in (1);
create table public.halves_rest partition of public.halves default partition by list (year);
alter table public.halves_rest enable row level security;
create table public.halves_2 partition of public.halves_rest for values in (2);
create table public.halves_3 partition of public.halves_rest default;
alter table public.halves_2 enable row level security;
alter table public.halves_3 enable row level security;
create policy two on public.halves_rest using (true);
create table public.deep (id uuid not null, user_id uuid, mark text, year int not null, kind text not null) partition by list (year);
alter table public.deep enable row level security;
create policy z on public.deep for select using (kind = 'z');
create policy nobodys on public.deep for delete using (user_id is null);
create table public.deep_1 partition of public.deep for values in (1, 2, 3) partition by list (kind);
create table public.deep_1a partition of public.deep_1 for values in ('a');
revoke all on public.deep_1, public.deep_1a from anon, authenticated;
-- @seed
insert into public.heads select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n), n
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 3) n;
insert into public.heads_1 select replace(id::text, '-10', '-20')::uuid, user_id, mark || 'h', n from only public.heads;
insert into public.sorts select id, user_id, mark || 's', n from only public.heads;
insert into public.halves select id, user_id, mark || 'v', n from only public.heads;
insert into public.hollow_1 select id, user_id, mark || 'i', n from only public.heads;
insert into public.hollow_2 select replace(id::text, '-10', '-20')::uuid, user_id, mark || 'j', n from only public.heads;
insert into public.lone_hollow_1 select id, user_id, mark || 'k' from only public.heads;
insert into public.deep select id, user_id, mark || 'd', n, 'a' from only public.heads;
-- @measures
authenticated public.deep none none none some
authenticated public.sorts some some some some
anon public.sorts some some some some
authenticated public.heads some some some some
authenticated public.hollow all some all all
authenticated public.lone_hollow all some all all
authenticated public.halves all all all all
