-- Plain inheritance: the parent's policies hold for rows of its children that are read through it, theirs alone else.
create table public.animals (id uuid primary key, user_id uuid, mark text);
alter table public.animals enable row level security;
create policy own on public.animals using (user_id = auth.uid());
create table public.dogs (breed text, primary key (id)) inherits (public.animals);
create table public.cats (primary key (id)) inherits (public.animals);
alter table public.cats enable row level security;
create table public.base (id uuid primary key, user_id uuid, mark text);
create table public.derived (primary key (id)) inherits (public.base);
alter table public.derived enable row level security;
create table public.deeper (primary key (id)) inherits (public.derived);
alter table public.deeper enable row level security;
revoke all on public.deeper from anon, authenticated;
create table public.top (id uuid primary key, user_id uuid, mark text);
alter table public.top enable row level security;
create table public.mid (primary key (id)) inherits (public.top);
alter table public.mid enable row level security;
create table public.low (primary key (id)) inherits (public.mid);
-- @seed
insert into public.animals select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.dogs select id, user_id, mark || 'd', 'x' from only public.animals;
insert into public.cats select id, user_id, mark || 'c' from only public.animals;
insert into public.base select id, user_id, mark || 'b' from only public.animals;
insert into public.derived select id, user_id, mark || 'e' from only public.animals;
insert into public.deeper select id, user_id, mark || 'f' from only public.animals;
insert into public.top select id, user_id, mark || 't' from only public.animals;
insert into public.mid select id, user_id, mark || 'm' from only public.animals;
insert into public.low select id, user_id, mark || 'l' from only public.animals;
