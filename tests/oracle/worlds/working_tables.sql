-- Temporary tables that bodies make for themselves: what is put in comes out, and what is not read stays unread.
create table public.w_shown (id uuid primary key, user_id uuid, mark text);
alter table public.w_shown enable row level security;
create table public.w_selected (id uuid primary key, user_id uuid, mark text);
alter table public.w_selected enable row level security;
create table public.w_untouched (id uuid primary key, user_id uuid, mark text);
alter table public.w_untouched enable row level security;
create table public.w_by_default (id uuid primary key, user_id uuid, mark text);
alter table public.w_by_default enable row level security;
create table public.w_own (id uuid primary key, user_id uuid, mark text);
alter table public.w_own enable row level security;
create function public.shown() returns setof text language plpgsql security definer set search_path = '' as
$$ begin
  create temp table w_found (mark text, place int default 0) on commit drop;
  insert into w_found select w.mark from public.w_shown w;
  return query select f.mark from w_found f;
end $$;
create function public.selected() returns text language plpgsql security definer set search_path = '' as
$$ declare told text; begin
  drop table if exists w_chosen;
  create temporary table w_chosen on commit drop as select w.mark from public.w_selected w;
  select string_agg(c.mark, ' ') into told from w_chosen c;
  return told;
end $$;
create function public.empties() returns text language plpgsql security definer set search_path = '' as
$$ begin delete from public.w_by_default where true; return ''; end $$;
create function public.by_default() returns void language plpgsql security definer set search_path = '' as
$$ begin create temp table w_defaults (n int, mark text default public.empties()) on commit drop; insert into w_defaults values (1); end $$;
revoke execute on function public.empties() from public, anon, authenticated;
create function public.own() returns setof text language plpgsql security definer set search_path = '' as
$$ begin
  create temp table w_mine on commit drop as select w.mark from public.w_own w where w.user_id = auth.uid();
  return query select m.mark from w_mine m;
end $$;
-- @seed
insert into public.w_shown select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.w_selected select id, user_id, mark || 'x1' from public.w_shown;
insert into public.w_untouched select id, user_id, mark || 'x4' from public.w_shown;
insert into public.w_by_default select id, user_id, mark || 'x5' from public.w_shown;
insert into public.w_own select id, user_id, mark || 'x6' from public.w_shown;
-- @calls
select * from public.shown()
select public.selected()
select public.by_default()
select * from public.own()
-- @measures
authenticated public.w_shown all none none none
authenticated public.w_selected all none none none
authenticated public.w_by_default none none none all
authenticated public.w_untouched none none none none
authenticated public.w_own own none none none
