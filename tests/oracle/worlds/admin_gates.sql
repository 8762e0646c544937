-- Gates for administrators, whom no ordinary user is: nobody here has the role.
create type public.app_role as enum ('admin', 'moderator', 'user');
create table public.user_roles (user_id uuid not null, role public.app_role not null, mark text, primary key (user_id, role));
create table public.profiles (id uuid primary key references auth.users, role text not null default 'user', mark text);
alter table public.user_roles enable row level security;
alter table public.profiles enable row level security;
create policy own on public.user_roles for select using (user_id = auth.uid());
create policy own on public.profiles for select using (id = auth.uid());
create function public.has_role(who uuid, wanted public.app_role) returns boolean language sql stable security definer set search_path = public as
'select exists (select 1 from user_roles where user_id = who and role = wanted)';
create function public.is_admin() returns boolean language sql stable security definer set search_path = '' as
'select exists (select 1 from public.profiles where id = auth.uid() and role = ''admin'')';
create function public.is_admin_into() returns boolean language plpgsql stable security definer set search_path = '' as
$$ declare found_role text; begin
  select p.role into found_role from public.profiles p where p.id = auth.uid();
  return found_role = 'admin';
end $$;
create function public.is_admin_if() returns boolean language plpgsql stable security definer set search_path = '' as
$$ begin
  if exists (select 1 from public.user_roles r where r.user_id = auth.uid() and r.role = 'admin') then return true; end if;
  return false;
end $$;
create table public.by_sql (id uuid primary key, user_id uuid, mark text, published boolean not null default false);
alter table public.by_sql enable row level security;
create policy p on public.by_sql using (public.is_admin());
create table public.by_select_into (id uuid primary key, user_id uuid, mark text, published boolean not null default false);
alter table public.by_select_into enable row level security;
create policy p on public.by_select_into using (public.is_admin_into());
create table public.by_if_exists (id uuid primary key, user_id uuid, mark text, published boolean not null default false);
alter table public.by_if_exists enable row level security;
create policy p on public.by_if_exists using (public.is_admin_if());
create table public.by_has_role (id uuid primary key, user_id uuid, mark text, published boolean not null default false);
alter table public.by_has_role enable row level security;
create policy p on public.by_has_role using (public.has_role(auth.uid(), 'admin'));
create table public.by_profile (id uuid primary key, user_id uuid, mark text, published boolean not null default false);
alter table public.by_profile enable row level security;
create policy p on public.by_profile using ((select p.role from public.profiles p where p.id = auth.uid()) = 'admin');
create table public.own_or_admin (id uuid primary key, user_id uuid, mark text, published boolean not null default false);
alter table public.own_or_admin enable row level security;
create policy p on public.own_or_admin using (user_id = auth.uid() or exists (select from public.user_roles r where r.user_id = auth.uid() and r.role = 'admin'));
create table public.published_or_admin (id uuid primary key, user_id uuid, mark text, published boolean not null default false);
alter table public.published_or_admin enable row level security;
create policy p on public.published_or_admin for select using (published or public.is_admin());
create table public.unless_admin (id uuid primary key, user_id uuid, mark text, published boolean not null default false);
alter table public.unless_admin enable row level security;
create policy p on public.unless_admin for select using (not public.is_admin());
create table public.missing_is_admin (id uuid primary key, user_id uuid, mark text, published boolean not null default false);
alter table public.missing_is_admin enable row level security;
create policy p on public.missing_is_admin for select using ((select p.role from public.profiles p where p.id = auth.uid()) is distinct from 'user');
-- @seed
insert into public.user_roles select format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, 'user', format('[r%s]', o) from unnest(array['a', 'b']) o;
insert into public.profiles (id, mark) select format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[p%s]', o) from unnest(array['a', 'b']) o;
insert into public.by_sql select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end,
  format('[n%s%s]', o, n), n = 2 from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.by_select_into select id, user_id, mark || 'x1', published from public.by_sql;
insert into public.by_if_exists select id, user_id, mark || 'x2', published from public.by_sql;
insert into public.by_has_role select id, user_id, mark || 'x3', published from public.by_sql;
insert into public.by_profile select id, user_id, mark || 'x4', published from public.by_sql;
insert into public.own_or_admin select id, user_id, mark || 'x5', published from public.by_sql;
insert into public.published_or_admin select id, user_id, mark || 'x6', published from public.by_sql;
insert into public.unless_admin select id, user_id, mark || 'x7', published from public.by_sql;
insert into public.missing_is_admin select id, user_id, mark || 'x8', published from public.by_sql;
-- @measures
anon public.missing_is_admin all none none none
anon public.published_or_admin some none none none
anon public.unless_admin all none none none
authenticated public.by_has_role none none none none
authenticated public.by_if_exists none none none none
authenticated public.by_profile none none none none
authenticated public.by_select_into none none none none
authenticated public.by_sql none none none none
authenticated public.missing_is_admin all none none none
authenticated public.own_or_admin own own own own
authenticated public.profiles own none none none
authenticated public.published_or_admin some none none none
authenticated public.unless_admin all none none none
authenticated public.user_roles own none none none
