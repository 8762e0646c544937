-- Large whole numbers have no float of their own: as one they are equal to their neighbours.
create table public.doubles (id int primary key, b bigint not null, mark text);
alter table public.doubles enable row level security;
create policy p on public.doubles for select using (b::float8 = 9007199254740993::float8 and b <> 9007199254740993);
create table public.reals (id int primary key, b int not null, mark text);
alter table public.reals enable row level security;
create policy p on public.reals for select using (b::real = 16777217::real and b <> 16777217);
create table public.beside (id int primary key, b bigint not null, f float8 not null, mark text);
alter table public.beside enable row level security;
create policy p on public.beside for select using (b = f and b <> 9007199254740993 and f = 9007199254740993::bigint::float8);
create function public.is_near(b bigint, f float8) returns boolean language sql immutable as 'select b >= f and b < 9007199254740993';
create table public.within (id int primary key, b bigint not null, mark text);
alter table public.within enable row level security;
create policy p on public.within for select using (public.is_near(b, 9007199254740993::bigint));
create table public.exact (id int primary key, b int not null, s smallint not null, n bigint not null, mark text);
alter table public.exact enable row level security;
create policy p on public.exact for select using (
  (b::float8 = 16777217::float8 and b <> 16777217) or (s::real = 3::smallint::real and s <> 3)
  or (n::numeric = 9007199254740993::numeric and n <> 9007199254740993));
-- @seed
insert into public.doubles values (1, 9007199254740992, '[d1]'), (2, 9007199254740993, '[d2]'), (3, 1, '[d3]');
insert into public.reals values (1, 16777216, '[r1]'), (2, 16777217, '[r2]'), (3, 1, '[r3]');
insert into public.beside values (1, 9007199254740992, 9007199254740992, '[b1]'), (2, 1, 1, '[b2]');
insert into public.within values (1, 9007199254740992, '[w1]'), (2, 1, '[w2]');
insert into public.exact values (1, 16777216, 3, 9007199254740992, '[e1]'), (2, 16777217, 4, 9007199254740993, '[e2]');
-- @measures
anon public.doubles some none none none
anon public.reals some none none none
anon public.beside some none none none
anon public.within some none none none
anon public.exact none none none none
