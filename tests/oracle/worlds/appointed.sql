-- Conditions on the time alone, which hold for every row or for none, and which of the two is a matter of when.
create table public.opens (id int primary key, x text);
alter table public.opens enable row level security;
create policy p on public.opens for select using (now() > '2090-01-01');
create table public.closes (id int primary key, x text);
alter table public.closes enable row level security;
create policy p on public.closes for select using (now() < '2090-01-01');
create table public.opened (id int primary key, x text);
alter table public.opened enable row level security;
create policy p on public.opened for select using (now() > '2024-01-01');
create table public.opens_some (id int primary key, x text);
alter table public.opens_some enable row level security;
create policy p on public.opens_some for select using (x = 'a' or now() > '2090-01-01');
create table public.published (id int primary key, at timestamptz);
alter table public.published enable row level security;
create policy p on public.published for select using (at <= now());
-- @seed
insert into public.opens values (1, 'a'), (2, 'b');
insert into public.closes values (1, 'a'), (2, 'b');
insert into public.opened values (1, 'a'), (2, 'b');
insert into public.opens_some values (1, 'a'), (2, 'b');
insert into public.published values (1, '2024-01-01'), (2, '2099-01-01');
-- @measures
anon public.opens none none none none
anon public.closes all none none none
anon public.opened all none none none
anon public.opens_some some none none none
anon public.published some none none none
