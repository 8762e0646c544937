-- The rest of a division has the sign of what is divided: -1 % 3 is -1, and never 2.
create table public.odd (id int primary key, n int not null);
alter table public.odd enable row level security;
create policy p on public.odd for select using (n % 2 = 1);
create table public.below (id int primary key, n bigint not null);
alter table public.below enable row level security;
create policy p on public.below for select using (n % 3 = -1);
create table public.never (id int primary key, n int not null);
alter table public.never enable row level security;
create policy p on public.never for select using (n % 3 = 3 or (n < 0 and n % 3 = 2) or (n > 0 and n % -3 = -1));
create table public.always (id int primary key, n smallint not null);
alter table public.always enable row level security;
create policy p on public.always for select using (n % 2 between -1 and 1);
-- @seed
insert into public.odd values (1, 1), (2, 2), (3, -1);
insert into public.below values (1, 1), (2, 2), (3, -1);
insert into public.never values (1, 1), (2, 2), (3, -1);
insert into public.always values (1, 1), (2, 2), (3, -1);
-- @measures
anon public.odd some none none none
anon public.below some none none none
anon public.never none none none none
anon public.always all none none none
