-- Posing where the policies that ask who is asking are a part's or the whole's, and where a body asks with its owner's rights.
create table public.logs (id uuid not null, user_id uuid, mark text, year int not null) partition by list (year);
create table public.logs_1 partition of public.logs for values in (1);
create table public.logs_2 partition of public.logs default;
alter table public.logs enable row level security;
alter table public.logs_1 enable row level security;
alter table public.logs_2 enable row level security;
create policy own on public.logs using (user_id = auth.uid());
create table public.visits (id uuid not null, user_id uuid, mark text, year int not null) partition by list (year);
create table public.visits_1 partition of public.visits for values in (1);
create table public.visits_2 partition of public.visits default;
alter table public.visits enable row level security;
alter table public.visits_1 enable row level security;
alter table public.visits_2 enable row level security;
create policy own on public.visits_1 using (user_id = auth.uid());
create table public.above (id uuid primary key, user_id uuid, mark text);
create table public.below (primary key (id)) inherits (public.above);
alter table public.above enable row level security;
alter table public.below enable row level security;
create policy own on public.below using (user_id = auth.uid());
create function public.logs_of(who text) returns setof public.logs language plpgsql as
$$ begin perform set_config('request.jwt.claims', json_build_object('sub', who)::text, true); return query select * from public.logs; end $$;
create function public.visits_of(who text) returns setof public.visits_1 language plpgsql as
$$ begin perform set_config('request.jwt.claims', json_build_object('sub', who)::text, true); return query select * from public.visits_1; end $$;
create function public.below_of(who text) returns setof public.below language plpgsql as
$$ begin perform set_config('request.jwt.claims', json_build_object('sub', who)::text, true); return query select * from public.below; end $$;
create function public.remove_below_of(who text) returns void language plpgsql as
$$ begin perform set_config('request.jwt.claims', json_build_object('sub', who)::text, true); delete from public.below where true; end $$;
-- Closed tables, and functions with their owner's rights that give each what is its own.
create table public.notes (id uuid primary key, user_id uuid, mark text);
create table public.deep (id uuid primary key, user_id uuid, mark text);
create table public.parts (id uuid not null, user_id uuid, mark text, year int not null) partition by list (year);
create table public.parts_1 partition of public.parts default;
create table public.calm (id uuid primary key, user_id uuid, mark text, shown boolean);
create table public.viewed (id uuid primary key, user_id uuid, mark text);
alter table public.notes enable row level security;
alter table public.deep enable row level security;
alter table public.parts enable row level security;
alter table public.parts_1 enable row level security;
alter table public.calm enable row level security;
alter table public.viewed enable row level security;
create function public.my_notes() returns setof public.notes language sql stable security definer set search_path = '' as
$$ select * from public.notes where user_id = auth.uid() $$;
create function public.remove_my_notes() returns void language sql security definer set search_path = '' as
$$ delete from public.notes where user_id = auth.uid() $$;
create function public.who() returns uuid language sql stable security definer set search_path = '' as $$ select auth.uid() $$;
create function public.is_mine(whose uuid) returns boolean language plpgsql stable security definer set search_path = '' as
$$ begin return whose = public.who(); end $$;
create function public.my_deep() returns setof public.deep language plpgsql stable security definer set search_path = '' as
$$ begin return query select * from public.deep d where public.is_mine(d.user_id); end $$;
create function public.my_parts() returns setof public.parts language sql stable security definer set search_path = '' as
$$ select * from public.parts p where p.user_id = (select auth.uid()) $$;
create function public.shown_calm() returns setof public.calm language sql stable security definer set search_path = '' as
$$ select * from public.calm where shown $$;
-- What a body asks before, of whoever asks.
create table public.gated (id uuid primary key, user_id uuid, mark text);
create table public.staff (id uuid primary key, user_id uuid, mark text);
create table public.roles (id uuid primary key, user_id uuid, mark text);
alter table public.gated enable row level security;
alter table public.staff enable row level security;
alter table public.roles enable row level security;
create function public.for_users() returns setof public.gated language plpgsql stable security definer set search_path = '' as
$$ begin if auth.uid() is null then return; end if; return query select * from public.gated; end $$;
create function public.for_staff() returns setof public.staff language plpgsql stable security definer set search_path = '' as
$$ begin if auth.jwt() -> 'app_metadata' ->> 'role' = 'admin' then return query select * from public.staff; end if; end $$;
create function public.by_role() returns setof public.roles language sql stable security definer set search_path = '' as
$$ select * from public.roles where auth.role() = 'service_role' $$;
create function public.for_users_as(who text) returns setof public.gated language plpgsql as
$$ begin perform public.pose(who); return query select * from public.for_users(); end $$;
create function public.for_staff_as(said text) returns setof public.staff language plpgsql as
$$ begin perform set_config('request.jwt.claims', said, true); return query select * from public.for_staff(); end $$;
create function public.by_role_as(said text) returns setof public.roles language plpgsql as
$$ begin perform set_config('request.jwt.claims', said, true); return query select * from public.by_role(); end $$;
create view public.my_view as select * from public.viewed where user_id = auth.uid();
create function public.pose(who text) returns void language sql as
$$ select set_config('request.jwt.claims', json_build_object('sub', who)::text, true) $$;
create function public.notes_of(who text) returns setof public.notes language plpgsql as
$$ begin perform public.pose(who); return query select * from public.my_notes(); end $$;
create function public.remove_notes_of(who text) returns void language plpgsql as
$$ begin perform public.pose(who); perform public.remove_my_notes(); end $$;
create function public.deep_of(who text) returns setof public.deep language plpgsql as
$$ begin perform public.pose(who); return query select * from public.my_deep(); end $$;
create function public.parts_of(who text) returns setof public.parts language plpgsql as
$$ begin perform public.pose(who); return query select * from public.my_parts(); end $$;
create function public.calm_of(who text) returns setof public.calm language plpgsql as
$$ begin perform public.pose(who); return query select * from public.shown_calm(); end $$;
create function public.view_of(who text) returns setof public.my_view language plpgsql as
$$ begin perform public.pose(who); return query select * from public.my_view; end $$;
-- Who poses in one place of a statement is asked as somebody else in another.
create table public.together (id uuid primary key, user_id uuid, mark text);
alter table public.together enable row level security;
create function public.together_after(said text) returns setof public.together language sql stable security definer set search_path = '' as
$$ select * from public.together t where t.user_id = auth.uid() $$;
create view public.as_other with (security_invoker) as select t.* from
  (select set_config('request.jwt.claims', '{"sub": "bbbbbbbb-0000-4000-8000-000000000001"}', true) as said offset 0) p,
  lateral public.together_after(p.said) t;
-- @seed
insert into public.notes select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.logs select id, user_id, mark || 'l', case when mark ~ '1]' then 1 else 2 end from public.notes;
insert into public.visits select id, user_id, mark || 'v', case when mark ~ '1]' then 1 else 2 end from public.notes;
insert into public.below select id, user_id, mark || 'b' from public.notes;
insert into public.above select replace(id::text, '-10', '-20')::uuid, user_id, mark || 'u' from public.notes;
insert into public.deep select id, user_id, mark || 'd' from public.notes;
insert into public.parts select id, user_id, mark || 'p', 1 from public.notes;
insert into public.calm select id, user_id, mark || 'c', mark ~ '1]' from public.notes;
insert into public.gated select id, user_id, mark || 'g' from public.notes;
insert into public.staff select id, user_id, mark || 's' from public.notes;
insert into public.roles select id, user_id, mark || 'r' from public.notes;
insert into public.together select id, user_id, mark || 't' from public.notes;
insert into public.viewed select id, user_id, mark || 'w' from public.notes;
-- @calls
select * from public.logs_of('bbbbbbbb-0000-4000-8000-000000000001')
select * from public.visits_of('bbbbbbbb-0000-4000-8000-000000000001')
select * from public.below_of('bbbbbbbb-0000-4000-8000-000000000001')
select public.remove_below_of('bbbbbbbb-0000-4000-8000-000000000001')
select * from public.notes_of('bbbbbbbb-0000-4000-8000-000000000001')
select public.remove_notes_of('bbbbbbbb-0000-4000-8000-000000000001')
select * from public.deep_of('bbbbbbbb-0000-4000-8000-000000000001')
select * from public.parts_of('bbbbbbbb-0000-4000-8000-000000000001')
select * from public.calm_of('bbbbbbbb-0000-4000-8000-000000000001')
select * from public.view_of('bbbbbbbb-0000-4000-8000-000000000001')
select * from public.for_users_as('bbbbbbbb-0000-4000-8000-000000000001')
select * from public.for_staff_as('{"app_metadata": {"role": "admin"}}')
select * from public.by_role_as('{"role": "service_role"}')
-- @measures
anon public.gated all none none none
authenticated public.staff all none none none
anon public.roles all none none none
authenticated public.logs some own own own
authenticated public.logs_1 some own own own
authenticated public.visits some own own own
authenticated public.visits_1 some own own own
authenticated public.visits_2 none none none none
authenticated public.above some own own some
authenticated public.below some own own some
anon public.below some none none some
authenticated public.notes some none none some
anon public.notes some none none some
authenticated public.deep some none none none
authenticated public.parts some none none none
authenticated public.calm some none none none
authenticated public.viewed some all own own
anon public.together some none none none
authenticated public.together some none none none
