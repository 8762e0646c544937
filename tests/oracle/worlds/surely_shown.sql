-- What functions surely show, with their owner's rights, and what looks like it and shows nothing.
create table public.s_all (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_all enable row level security;
create table public.s_key (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_key enable row level security;
create table public.s_out (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_out enable row level security;
create table public.s_open (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_open enable row level security;
create table public.s_mine (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_mine enable row level security;
create table public.s_union (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_union enable row level security;
create table public.s_parent (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_parent enable row level security;
create table public.s_child (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_child enable row level security;
create table public.s_halves (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_halves enable row level security;
create table public.s_policy (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_policy enable row level security;
create policy open on public.s_policy for select using (open);
create table public.s_first (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_first enable row level security;
create table public.s_cast (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_cast enable row level security;
create table public.s_beside (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_beside enable row level security;
create table public.s_strict (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_strict enable row level security;
create table public.s_several (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_several enable row level security;
create table public.s_having (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_having enable row level security;
create table public.s_zero (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_zero enable row level security;
create table public.s_over (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_over enable row level security;
create table public.s_count (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_count enable row level security;
create table public.s_join (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_join enable row level security;
create table public.s_case (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_case enable row level security;
create table public.s_caught (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_caught enable row level security;
create table public.staff_list (user_id uuid primary key);
alter table public.staff_list enable row level security;
create table public.s_helper (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_helper enable row level security;
create table public.s_gone (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_gone enable row level security;
create table public.s_sums (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_sums enable row level security;
create table public.s_summed (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_summed enable row level security;
create table public.s_top (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_top enable row level security;
-- Every row, by a key, by what it is, by whose it is.
create function public.list_all() returns setof text language sql stable security definer set search_path = '' as
$$ select mark from public.s_all $$;
create function public.by_key(p uuid) returns jsonb language plpgsql stable security definer set search_path = '' as
$$ declare r public.s_key%rowtype; begin select * into r from public.s_key where id = p; if not found then return null; end if; return jsonb_build_object('said', r.mark); end $$;
create function public.by_out(p uuid, out said text) returns text language plpgsql stable security definer set search_path = '' as
$$ begin select mark into said from public.s_out where id = p; end $$;
create function public.list_open() returns jsonb language sql stable security definer set search_path = '' as
$$ select jsonb_agg(jsonb_build_object('m', o.mark)) from public.s_open o where o.open $$;
create function public.list_mine() returns setof text language plpgsql stable security definer set search_path = '' as
$$ begin if auth.uid() is null then raise exception 'no'; end if; return query select m.mark from public.s_mine m where m.owner_id = auth.uid(); end $$;
-- Two queries in one, and one within another.
create function public.list_both() returns setof text language sql stable security definer set search_path = '' as
$$ select mark from public.s_union where open union all select mark from public.s_union where not open $$;
create function public.list_nested() returns table (m text, children jsonb) language sql stable security definer set search_path = '' as
$$ select p.mark, (select coalesce(jsonb_agg(c.mark order by c.mark), '[]'::jsonb) from public.s_child c where c.parent_id = p.id) from public.s_parent p $$;
create table public.s_named (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_named enable row level security;
create table public.s_typed (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text, code varchar(20));
alter table public.s_typed enable row level security;
create table public.s_locked (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_locked enable row level security;
-- It fails whoever calls: a name is a column's and a variable's, a column has another type than is declared, rows are locked.
create function public.named_twice() returns table (id uuid, said text) language plpgsql stable security definer set search_path = '' as
$$ begin return query select n.id, n.mark from public.s_named n where n.open or id is not null; end $$;
create function public.typed_otherwise() returns table (said text) language plpgsql stable security definer set search_path = '' as
$$ begin return query select t.code from public.s_typed t; end $$;
create function public.lock_them() returns setof text language plpgsql stable security definer set search_path = '' as
$$ begin return query select l.mark from public.s_locked l for update; end $$;
create table public.s_unlike (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_unlike enable row level security;
create table public.s_uneven (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_uneven enable row level security;
create table public.s_other (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_other enable row level security;
create table public.s_number (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_number enable row level security;
create table public.s_whole (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_whole enable row level security;
-- It fails whoever calls, by types that the server looks at as it runs: a key beside a text, columns that are missing, others,
-- a text that is no number; and one that has all columns, which goes well.
create function public.unlike(p text) returns setof text language plpgsql stable security definer set search_path = '' as
$$ begin return query select u.mark from public.s_unlike u where u.id = p; end $$;
create function public.uneven() returns setof public.s_uneven language plpgsql stable security definer set search_path = '' as
$$ begin return query select u.id, u.mark from public.s_uneven u; end $$;
create function public.others() returns setof integer language plpgsql stable security definer set search_path = '' as
$$ begin return query select o.mark from public.s_other o; end $$;
create function public.as_number() returns integer language plpgsql stable security definer set search_path = '' as
$$ declare v text; begin select n.mark into v from public.s_number n order by n.mark limit 1; return v; end $$;
create function public.whole_rows() returns setof public.s_whole language plpgsql stable security definer set search_path = '' as
$$ begin return query select * from public.s_whole w where w.open or w.id::text is not null; end $$;
create table public.s_view (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_view enable row level security;
create table public.s_through (id uuid primary key, owner_id uuid, open boolean not null default false, parent_id uuid, mark text);
alter table public.s_through enable row level security;
-- A view that fails for what stands in its rows, as the function that reads it does; and one that does not.
create schema hidden;
create view hidden.as_numbers as select v.id, v.mark, v.mark::int as number from public.s_view v;
create function public.by_numbers() returns table (id uuid, said text, number int) language sql stable security definer set search_path = '' as
$$ select n.id, n.mark, n.number from hidden.as_numbers n $$;
create view hidden.as_texts as select t.id, t.mark from public.s_through t where t.mark::varchar in ('x', 'y') or t.mark like '%' or t.open;
create function public.by_texts() returns setof text language sql stable security definer set search_path = '' as
$$ select t.mark from hidden.as_texts t $$;
-- Functions that lead to some rows each, and to all of them together.
create function public.half_open() returns setof text language sql stable security definer set search_path = '' as
$$ select mark from public.s_halves where open $$;
create function public.half_shut() returns setof text language sql stable security definer set search_path = '' as
$$ select mark from public.s_halves where not open $$;
create function public.shut_ones() returns setof text language sql stable security definer set search_path = '' as
$$ select mark from public.s_policy where not open $$;
-- Only the first of the rows comes out.
create function public.first_one() returns text language sql stable security definer set search_path = '' as
$$ select mark from public.s_first order by mark $$;
-- Nothing comes out: it fails, for everybody or for whoever is no staff; or something else is shown.
create function public.cast_it() returns setof int language sql stable security definer set search_path = '' as
$$ select mark::int from public.s_cast $$;
create function public.cast_beside() returns table (m text, n int) language sql stable security definer set search_path = '' as
$$ select mark, left(mark, 1)::int from public.s_beside $$;
create function public.strict_one() returns text language plpgsql stable security definer set search_path = '' as
$$ declare m text; begin select mark into strict m from public.s_strict; return m; end $$;
create function public.several() returns text language sql stable security definer set search_path = '' as
$$ select coalesce((select mark from public.s_several), null) $$;
create function public.having_many() returns setof text language sql stable security definer set search_path = '' as
$$ select mark from public.s_having group by mark having count(*) > 99 $$;
create function public.no_rows() returns setof text language sql stable security definer set search_path = '' as
$$ select mark from public.s_zero limit 0 $$;
create function public.overwritten(p uuid) returns text language plpgsql stable security definer set search_path = '' as
$$ declare m text; begin select mark into m from public.s_over where id = p; m := 'other'; return m; end $$;
create function public.counted() returns jsonb language sql stable security definer set search_path = '' as
$$ select jsonb_build_object('n', (select count(*) from public.s_count), 'open', (select count(*) filter (where open) from public.s_count)) $$;
create function public.joined_only() returns setof text language sql stable security definer set search_path = '' as
$$ select x.said from public.s_join j join (values ('a'), ('b')) x (said) on j.mark <> x.said $$;
create function public.never_shown() returns setof text language sql stable security definer set search_path = '' as
$$ select case when mark = '' then mark end from public.s_case $$;
create function public.caught_all() returns setof int language plpgsql stable security definer set search_path = '' as
$$ begin return query select mark::int from public.s_caught; exception when others then return; end $$;
create function public.only_staff() returns boolean language plpgsql stable security definer set search_path = '' as
$$ begin if not exists (select 1 from public.staff_list where user_id = auth.uid()) then raise exception 'staff only'; end if; return true; end $$;
create function public.after_helper() returns setof text language plpgsql stable security definer set search_path = '' as
$$ begin perform public.only_staff(); return query select mark from public.s_helper; end $$;
create function public.gone_first() returns setof text language plpgsql volatile security definer set search_path = '' as
$$ begin delete from public.s_gone; return query select mark from public.s_gone; end $$;
create function public.summed_beside() returns table (m text, n bigint) language sql stable security definer set search_path = '' as
$$ select s.mark, x.n from public.s_sums s cross join (select count(*) as n, max(t.mark) as top from public.s_summed t) x $$;
create function public.top_of_itself() returns table (m text) language sql stable security definer set search_path = '' as
$$ select x.top from public.s_top s cross join lateral (select string_agg(t.mark, ',') as top from public.s_top t) x where s.mark = '' or s.open $$;
-- @seed
insert into public.s_all select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, n = 1,
  case o when 'c' then null else format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid end, format('[n%s%s]', o, n) from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.s_key select id, owner_id, open, parent_id, mark || 'y1' from public.s_all;
insert into public.s_out select id, owner_id, open, parent_id, mark || 'y2' from public.s_all;
insert into public.s_open select id, owner_id, open, parent_id, mark || 'y3' from public.s_all;
insert into public.s_mine select id, owner_id, open, parent_id, mark || 'y4' from public.s_all;
insert into public.s_union select id, owner_id, open, parent_id, mark || 'y5' from public.s_all;
insert into public.s_parent select id, owner_id, open, parent_id, mark || 'y6' from public.s_all;
insert into public.s_child select id, owner_id, open, parent_id, mark || 'y7' from public.s_all;
insert into public.s_halves select id, owner_id, open, parent_id, mark || 'y8' from public.s_all;
insert into public.s_policy select id, owner_id, open, parent_id, mark || 'y9' from public.s_all;
insert into public.s_first select id, owner_id, open, parent_id, mark || 'y10' from public.s_all;
insert into public.s_cast select id, owner_id, open, parent_id, mark || 'y11' from public.s_all;
insert into public.s_beside select id, owner_id, open, parent_id, mark || 'y12' from public.s_all;
insert into public.s_strict select id, owner_id, open, parent_id, mark || 'y13' from public.s_all;
insert into public.s_several select id, owner_id, open, parent_id, mark || 'y14' from public.s_all;
insert into public.s_having select id, owner_id, open, parent_id, mark || 'y15' from public.s_all;
insert into public.s_zero select id, owner_id, open, parent_id, mark || 'y16' from public.s_all;
insert into public.s_over select id, owner_id, open, parent_id, mark || 'y17' from public.s_all;
insert into public.s_count select id, owner_id, open, parent_id, mark || 'y18' from public.s_all;
insert into public.s_join select id, owner_id, open, parent_id, mark || 'y19' from public.s_all;
insert into public.s_case select id, owner_id, open, parent_id, mark || 'y20' from public.s_all;
insert into public.s_caught select id, owner_id, open, parent_id, mark || 'y21' from public.s_all;
insert into public.s_helper select id, owner_id, open, parent_id, mark || 'y22' from public.s_all;
insert into public.s_gone select id, owner_id, open, parent_id, mark || 'y23' from public.s_all;
insert into public.s_sums select id, owner_id, open, parent_id, mark || 'y24' from public.s_all;
insert into public.s_summed select id, owner_id, open, parent_id, mark || 'y25' from public.s_all;
insert into public.s_top select id, owner_id, open, parent_id, mark || 'y26' from public.s_all;
insert into public.s_named select id, owner_id, open, parent_id, mark || 'z1' from public.s_all;
insert into public.s_typed select id, owner_id, open, parent_id, mark || 'z2', mark || 'z2' from public.s_all;
insert into public.s_locked select id, owner_id, open, parent_id, mark || 'z3' from public.s_all;
insert into public.s_unlike select id, owner_id, open, parent_id, mark || 'z4' from public.s_all;
insert into public.s_uneven select id, owner_id, open, parent_id, mark || 'z5' from public.s_all;
insert into public.s_other select id, owner_id, open, parent_id, mark || 'z6' from public.s_all;
insert into public.s_number select id, owner_id, open, parent_id, mark || 'z7' from public.s_all;
insert into public.s_whole select id, owner_id, open, parent_id, mark || 'z8' from public.s_all;
insert into public.s_view select id, owner_id, open, parent_id, mark || 'z9a' from public.s_all;
insert into public.s_through select id, owner_id, open, parent_id, mark || 'z9b' from public.s_all;
-- @calls
select * from public.by_numbers()
select * from public.by_texts()
select * from public.unlike('aaaaaaaa-0000-4000-8000-100000000010')
select * from public.uneven()
select * from public.others()
select public.as_number()
select * from public.whole_rows()
select * from public.named_twice()
select * from public.typed_otherwise()
select * from public.lock_them()
select * from public.list_all()
select public.by_key('aaaaaaaa-0000-4000-8000-100000000010')
select public.by_key('aaaaaaaa-0000-4000-8000-100000000020')
select public.by_key('bbbbbbbb-0000-4000-8000-100000000010')
select public.by_key('bbbbbbbb-0000-4000-8000-100000000020')
select public.by_key('cccccccc-0000-4000-8000-100000000010')
select public.by_key('cccccccc-0000-4000-8000-100000000020')
select public.by_out('aaaaaaaa-0000-4000-8000-100000000010')
select public.by_out('aaaaaaaa-0000-4000-8000-100000000020')
select public.by_out('bbbbbbbb-0000-4000-8000-100000000010')
select public.by_out('bbbbbbbb-0000-4000-8000-100000000020')
select public.by_out('cccccccc-0000-4000-8000-100000000010')
select public.by_out('cccccccc-0000-4000-8000-100000000020')
select public.list_open()
select * from public.list_mine()
select * from public.list_both()
select * from public.list_nested()
select * from public.half_open()
select * from public.half_shut()
select * from public.shut_ones()
select public.first_one()
select * from public.cast_it()
select * from public.cast_beside()
select public.strict_one()
select public.several()
select * from public.having_many()
select * from public.no_rows()
select public.overwritten('aaaaaaaa-0000-4000-8000-100000000010')
select public.overwritten('aaaaaaaa-0000-4000-8000-100000000020')
select public.overwritten('bbbbbbbb-0000-4000-8000-100000000010')
select public.overwritten('bbbbbbbb-0000-4000-8000-100000000020')
select public.overwritten('cccccccc-0000-4000-8000-100000000010')
select public.overwritten('cccccccc-0000-4000-8000-100000000020')
select public.counted()
select * from public.joined_only()
select * from public.never_shown()
select * from public.caught_all()
select * from public.after_helper()
select * from public.gone_first()
select * from public.summed_beside()
select * from public.top_of_itself()
-- @measures
anon public.s_all all none none none
anon public.s_key all none none none
anon public.s_out all none none none
anon public.s_open some none none none
anon public.s_mine none none none none
authenticated public.s_mine own none none none
anon public.s_union all none none none
anon public.s_parent all none none none
anon public.s_child some none none none
anon public.s_halves all none none none
anon public.s_policy all none none none
anon public.s_first some none none none
anon public.s_cast none none none none
anon public.s_beside none none none none
anon public.s_strict none none none none
anon public.s_several none none none none
anon public.s_having none none none none
anon public.s_zero none none none none
anon public.s_over none none none none
anon public.s_count none none none none
anon public.s_join none none none none
anon public.s_case none none none none
anon public.s_caught none none none none
anon public.s_helper none none none none
anon public.s_gone none none none all
anon public.s_sums all none none none
anon public.s_summed none none none none
anon public.s_top all none none none
anon public.s_named none none none none
anon public.s_typed none none none none
anon public.s_locked none none none none
anon public.s_unlike none none none none
anon public.s_uneven none none none none
anon public.s_other none none none none
anon public.s_number none none none none
anon public.s_whole all none none none
anon public.s_view none none none none
anon public.s_through all none none none
