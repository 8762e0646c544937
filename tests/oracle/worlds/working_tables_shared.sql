-- Temporary tables that are not a body's own: another body reads what is put in, or a table that stays has the name.
create table public.w_handed_on (id uuid primary key, user_id uuid, mark text);
alter table public.w_handed_on enable row level security;
create table public.w_dropped (id uuid primary key, user_id uuid, mark text);
alter table public.w_dropped enable row level security;
-- The one fills what the other shows.
create function public.fills() returns void language plpgsql security definer set search_path = '' as
$$ begin create temp table if not exists w_passed (mark text); insert into w_passed select w.mark from public.w_handed_on w; end $$;
create function public.shows() returns setof text language plpgsql security definer set search_path = '' as
$$ begin perform public.fills(); return query select p.mark from w_passed p; end $$;
-- Nothing temporary has that name.
create function public.drops() returns void language plpgsql security definer set search_path = 'public' as
$$ begin drop table if exists w_dropped; end $$;
-- @seed
insert into public.w_handed_on select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.w_dropped select id, user_id, mark || 'x3' from public.w_handed_on;
-- @calls
select * from public.shows()
select public.drops()
-- @measures
authenticated public.w_handed_on all none none none
