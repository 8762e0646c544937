-- Numbers that are as large as any, or none at all: adding one to them changes nothing.
create table public.infinite (id int primary key, n double precision);
alter table public.infinite enable row level security;
create policy p on public.infinite for select using (n + 1 = n);
create table public.no_number (id int primary key, n numeric);
alter table public.no_number enable row level security;
create policy p on public.no_number for select using (n + 1 = n);
create table public.no_difference (id int primary key, n real);
alter table public.no_difference enable row level security;
create policy p on public.no_difference for select using (n - n <> 0);
create table public.whole (id int primary key, n bigint);
alter table public.whole enable row level security;
create policy p on public.whole for select using (n + 1 = n);
-- @seed
insert into public.infinite values (1, 1), (2, 'Infinity');
insert into public.no_number values (1, 1), (2, 'NaN');
insert into public.no_difference values (1, 1), (2, '-Infinity');
insert into public.whole values (1, 1), (2, 9223372036854775800);
-- @measures
anon public.infinite some none none none
anon public.no_number some none none none
anon public.no_difference some none none none
anon public.whole none none none none
