-- Dynamic SQL, with an owner who may not touch everything: a function, and a trigger.
create table public.dynamic (id uuid primary key, user_id uuid, mark text);
alter table public.dynamic enable row level security;
create table public.fires (id uuid primary key, user_id uuid, mark text);
create table public.of_storage (id uuid primary key, user_id uuid, mark text);
alter table public.of_storage enable row level security;
create function public.get_dynamic() returns setof text language plpgsql security definer set search_path = '' as
$$ begin return query execute 'select mark from public.dynamic'; end $$;
create function public.remove_dynamic() returns trigger language plpgsql security definer set search_path = '' as
$$ begin execute 'delete from public.dynamic'; return null; end $$;
create trigger t after update on public.fires for each statement execute function public.remove_dynamic();
-- @seed
insert into public.dynamic select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.fires select id, user_id, mark || 'f' from public.dynamic;
insert into public.of_storage select id, user_id, mark || 's' from public.dynamic;
revoke all on public.of_storage from postgres, anon, authenticated, service_role;
alter table public.of_storage owner to supabase_storage_admin;
-- @calls
select * from public.get_dynamic()
