-- Of one row of the persona's two queries ask: whose it is, and what it lets it do.
create table public.staff (id uuid primary key, auth_id uuid unique, org_id uuid not null, mark text,
  role text not null check (role in ('owner', 'manager', 'waiter')), active boolean not null default true);
alter table public.staff enable row level security;
create policy own on public.staff for select using (auth_id = auth.uid());
create function public.my_org() returns uuid language sql stable security definer set search_path = public as
'select org_id from staff where auth_id = auth.uid() and active = true limit 1';
create function public.my_role() returns text language sql stable security definer set search_path = public as
'select role from staff where auth_id = auth.uid() and active = true limit 1';
create function public.is_boss() returns boolean language sql stable security definer set search_path = public as
$$ select exists (select 1 from staff where auth_id = auth.uid() and role in ('owner', 'manager')) $$;
create function public.is_guest() returns boolean language plpgsql stable security definer set search_path = public as
$$ declare r text; begin select role into r from staff where auth_id = auth.uid(); return r = 'guest'; end $$;
create table public.dishes (id uuid primary key, org_id uuid, mark text);
alter table public.dishes enable row level security;
create policy p1 on public.dishes for select using (org_id = public.my_org() and public.my_role() in ('owner', 'manager', 'waiter'));
create policy p2 on public.dishes for insert with check (org_id = public.my_org() and public.my_role() = any (array['owner', 'manager']));
create policy p3 on public.dishes for update using (org_id = public.my_org() and public.is_boss());
create policy p4 on public.dishes for delete using (org_id = public.my_org() and public.my_role() = 'owner');
-- No row is both: nobody is a guest, and nobody waits where a manager is asked for as well.
create table public.nobodys (id uuid primary key, org_id uuid, mark text);
alter table public.nobodys enable row level security;
create policy p1 on public.nobodys for select using (org_id = public.my_org() and public.is_guest());
create policy p2 on public.nobodys for update using (org_id = public.my_org() and public.is_boss() and public.my_role() = 'waiter');
-- What the second query asks for is in a row of another's.
create table public.led (id uuid primary key, org_id uuid, mark text);
alter table public.led enable row level security;
create policy p1 on public.led for select using (org_id = public.my_org()
  and exists (select 1 from public.staff s where s.org_id = led.org_id and s.role = 'owner'));
-- Of strangers' rows two queries find one row as well, and so does the key that leads there.
create table public.kitchens (id uuid primary key, city text not null, open boolean not null, mark text);
create table public.menus (id uuid primary key, kitchen_id uuid not null references public.kitchens, user_id uuid, mark text);
alter table public.kitchens enable row level security;
alter table public.menus enable row level security;
create function public.is_shown(k uuid) returns boolean language plpgsql stable security definer set search_path = public as
$$ declare c text; o boolean; begin
  select city, open into c, o from kitchens where id = k;
  if c is null then return false; end if;
  return o;
end $$;
create policy p1 on public.menus for select using (public.is_shown(kitchen_id));
-- @seed
insert into public.staff select format('%s-0000-4000-8000-300000000001', repeat(o, 8))::uuid, format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[m%s]', o), case o when 'a' then 'owner' when 'b' then 'manager' else 'waiter' end
  from unnest(array['a', 'b', 'c']) o;
insert into public.dishes select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.nobodys select id, org_id, mark || 'x1' from public.dishes;
insert into public.led select id, org_id, mark || 'x2' from public.dishes;
insert into public.kitchens select id, 'Graz', mark like '%1]', mark || 'x3' from public.dishes;
insert into public.menus select id, id, null, mark || 'x4' from public.dishes;
-- @measures
anon public.menus some none none none
authenticated public.menus some none none none
anon public.dishes none none none none
authenticated public.dishes own own own own
authenticated public.nobodys none none none none
authenticated public.led own none none none
