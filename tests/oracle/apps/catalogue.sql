-- A shop: everybody reads what is published, whoever signed in orders, staff works with the service key.
create table public.products (id uuid primary key default gen_random_uuid(), name text not null, price numeric(10, 2) not null,
  published boolean not null default false, mark text);
create table public.orders (id uuid primary key default gen_random_uuid(), customer_id uuid not null references auth.users,
  status text not null default 'open', mark text);
create table public.order_lines (id uuid primary key default gen_random_uuid(),
  order_id uuid not null references public.orders on delete cascade, product_id uuid not null references public.products,
  quantity int not null check (quantity > 0), mark text);
alter table public.products enable row level security;
alter table public.orders enable row level security;
alter table public.order_lines enable row level security;
create policy "Published products are for everybody" on public.products for select to anon, authenticated using (published);
create policy "Customers see their orders" on public.orders for select to authenticated
  using (customer_id = (select auth.uid()));
create policy "Customers order" on public.orders for insert to authenticated
  with check (customer_id = (select auth.uid()) and status = 'open');
create policy "Customers see their lines" on public.order_lines for select to authenticated
  using (order_id in (select o.id from public.orders o where o.customer_id = (select auth.uid())));
create policy "Customers add lines to what is open" on public.order_lines for insert to authenticated
  with check (order_id in (select o.id from public.orders o where o.customer_id = (select auth.uid()) and o.status = 'open'));
-- @intent
[[allow]]
relation = "public.products"
persona = ["anon", "authenticated"]
select = "some"
-- @seed
insert into public.products select format('d0000000-0000-4000-8000-00000000000%s', n)::uuid, 'a thing', 1, n < 3, format('[product %s]', n)
  from generate_series(1, 4) n;
insert into public.orders select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, 'open', format('[order %s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.order_lines select format('%s-0000-4000-8000-300000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, 'd0000000-0000-4000-8000-000000000001', 2, format('[line %s]', o)
  from unnest(array['a', 'b', 'c']) o;
-- @measures
anon public.products some none none none
authenticated public.products some none none none
authenticated public.orders own own none none
authenticated public.order_lines own own none none
