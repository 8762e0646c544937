-- What bodies may look like that run as their owner: each reads, or writes, a table of its own.
create schema private;
create table public.b_cursor (id uuid primary key, user_id uuid, mark text);
alter table public.b_cursor enable row level security;
create table public.b_refcursor (id uuid primary key, user_id uuid, mark text);
alter table public.b_refcursor enable row level security;
create table public.b_foreach (id uuid primary key, user_id uuid, mark text);
alter table public.b_foreach enable row level security;
create table public.b_ctewrite (id uuid primary key, user_id uuid, mark text);
alter table public.b_ctewrite enable row level security;
create table public.b_call (id uuid primary key, user_id uuid, mark text);
alter table public.b_call enable row level security;
create table public.b_upsert (id uuid primary key, user_id uuid, mark text);
alter table public.b_upsert enable row level security;
create table public.b_merge (id uuid primary key, user_id uuid, mark text);
alter table public.b_merge enable row level security;
create table public.b_rowtype (id uuid primary key, user_id uuid, mark text);
alter table public.b_rowtype enable row level security;
create table public.b_into (id uuid primary key, user_id uuid, mark text);
alter table public.b_into enable row level security;
create table public.b_perform (id uuid primary key, user_id uuid, mark text);
alter table public.b_perform enable row level security;
create table public.b_exception (id uuid primary key, user_id uuid, mark text);
alter table public.b_exception enable row level security;
create table public.b_case (id uuid primary key, user_id uuid, mark text);
alter table public.b_case enable row level security;
create table public.b_if (id uuid primary key, user_id uuid, mark text);
alter table public.b_if enable row level security;
create table public.b_operator (id uuid primary key, user_id uuid, mark text);
alter table public.b_operator enable row level security;
create table public.b_aggregate (id uuid primary key, user_id uuid, mark text);
alter table public.b_aggregate enable row level security;
create table public.b_argument (id uuid primary key, user_id uuid, mark text);
alter table public.b_argument enable row level security;
create table public.b_view_aggregate (id uuid primary key, user_id uuid, mark text);
alter table public.b_view_aggregate enable row level security;
create table public.b_lateral (id uuid primary key, user_id uuid, mark text);
alter table public.b_lateral enable row level security;
create table public.b_table (id uuid primary key, user_id uuid, mark text);
alter table public.b_table enable row level security;
create table public.b_dollar (id uuid primary key, user_id uuid, mark text);
alter table public.b_dollar enable row level security;
create table public.b_comment (id uuid primary key, user_id uuid, mark text);
alter table public.b_comment enable row level security;
create table public.b_updatefrom (id uuid primary key, user_id uuid, mark text);
alter table public.b_updatefrom enable row level security;
create table public.b_deleteusing (id uuid primary key, user_id uuid, mark text);
alter table public.b_deleteusing enable row level security;
create table public.b_only (id uuid primary key, user_id uuid, mark text);
alter table public.b_only enable row level security;
create table public.b_quoted (id uuid primary key, user_id uuid, mark text);
alter table public.b_quoted enable row level security;
create table public.b_array (id uuid primary key, user_id uuid, mark text);
alter table public.b_array enable row level security;
create table public.b_cast (id uuid primary key, user_id uuid, mark text);
alter table public.b_cast enable row level security;
create table public.b_alias (id uuid primary key, user_id uuid, mark text);
alter table public.b_alias enable row level security;
create table public.b_window (id uuid primary key, user_id uuid, mark text);
alter table public.b_window enable row level security;
create table public.b_truncate (id uuid primary key, user_id uuid, mark text);
alter table public.b_truncate enable row level security;
create table public.b_assign (id uuid primary key, user_id uuid, mark text);
alter table public.b_assign enable row level security;
create table public.b_return_expr (id uuid primary key, user_id uuid, mark text);
alter table public.b_return_expr enable row level security;
create table public.b_dynamic (id uuid primary key, user_id uuid, mark text);
alter table public.b_dynamic enable row level security;
create table public.b_cursor_execute (id uuid primary key, user_id uuid, mark text);
alter table public.b_cursor_execute enable row level security;
create table public.b_do (id uuid primary key, user_id uuid, mark text);
alter table public.b_do enable row level security;
create table public.b_copy (id uuid primary key, user_id uuid, mark text);
alter table public.b_copy enable row level security;
create function public.f_cursor() returns setof text language plpgsql security definer set search_path = '' as $$
declare c cursor for select mark from public.b_cursor; r record; begin for r in c loop return next r.mark; end loop; end $$;
create function public.f_refcursor() returns setof text language plpgsql security definer set search_path = '' as $$
declare c refcursor; t text; begin open c for select mark from public.b_refcursor; loop fetch c into t; exit when not found; return next t; end loop; end $$;
create function public.f_foreach() returns setof text language plpgsql security definer set search_path = '' as $$
declare t text; begin foreach t in array (select array_agg(mark) from public.b_foreach) loop return next t; end loop; end $$;
create function public.f_ctewrite() returns int language sql security definer set search_path = '' as 'with gone as (delete from public.b_ctewrite returning 1) select count(*)::int from gone';
create procedure private.p_call() language plpgsql as $$ begin delete from public.b_call; end $$;
create function public.f_upsert() returns void language sql security definer set search_path = '' as
'insert into public.b_upsert as b select * from public.b_upsert on conflict (id) do update set mark = b.mark || ''!''';
create function public.f_rowtype() returns text language plpgsql security definer set search_path = '' as $$
declare r public.b_rowtype%rowtype; begin select * into r from public.b_rowtype limit 1; return r.mark; end $$;
create function public.f_into() returns text language plpgsql security definer set search_path = '' as $$
declare t text; begin t := (select string_agg(mark, ',') from public.b_into); return t; end $$;
create function private.g_perform() returns void language sql as 'update public.b_perform set mark = mark || ''!''';
create function public.f_perform() returns void language plpgsql security definer set search_path = '' as $$ begin perform private.g_perform(); end $$;
create function public.f_exception() returns text language plpgsql security definer set search_path = '' as $$
begin raise exception 'no'; exception when others then return (select string_agg(mark, ',') from public.b_exception); end $$;
create function public.f_case(n int) returns text language plpgsql security definer set search_path = '' as $$
begin case n when 1 then return 'x'; else return (select min(mark) from public.b_case); end case; end $$;
create function public.f_if(n int) returns text language plpgsql security definer set search_path = '' as $$
begin if exists (select from public.b_if where n = 1) then delete from public.b_if; end if; return 'x'; end $$;
create function private.op(text, text) returns boolean language sql as 'with gone as (delete from public.b_operator returning 1) select exists (select from gone)';
create operator private.~~~ (function = private.op, leftarg = text, rightarg = text);
create function public.f_operator() returns void language sql security definer set search_path = '' as 'select ''a''::text operator(private.~~~) ''b''::text';
create function private.step(text, text) returns text language plpgsql security definer set search_path = '' as
$$ begin delete from public.b_aggregate; return $1 || $2; end $$;
create aggregate public.gather(text) (sfunc = private.step, stype = text, initcond = '');
create table public.aggregated (id uuid primary key, user_id uuid, mark text);
create view public.aggregates as select public.gather(mark) as all_marks from public.aggregated;
create function public.f_aggregate() returns text language sql security definer set search_path = '' as 'select public.gather(mark) from public.aggregated';
create function private.of_argument() returns text language sql security definer set search_path = '' as 'with gone as (delete from public.b_argument returning 1) select ''x''::text from (select count(*) from gone) x';
grant usage on schema private to anon, authenticated;
create function public.f_argument(t text default private.of_argument()) returns text language sql as 'select t';
create function public.f_lateral() returns setof text language sql security definer set search_path = '' as 'select l.mark from (select 1) o, lateral (select mark from public.b_lateral) l';
create function public.f_table() returns setof text language sql security definer set search_path = '' as 'select x.mark from (table public.b_table) x';
create function public.f_dollar() returns setof text language sql security definer set search_path = '' as $x$ select $$' $$ || mark from public.b_dollar $x$;
create function public.f_comment() returns setof text language sql security definer set search_path = '' as $$ /* no */ select mark -- from nowhere
 from /* public.nothing */ public . b_comment $$;
create function public.f_updatefrom() returns void language sql security definer set search_path = '' as 'update public.b_updatefrom u set mark = u.mark || ''!'' from public.aggregated a where a.id = u.id or true';
create function public.f_deleteusing() returns void language sql security definer set search_path = '' as 'delete from only public.b_deleteusing using public.aggregated a';
create function public.f_only() returns setof text language sql security definer set search_path = '' as 'select mark from only (public.b_only)';
create function public.f_quoted() returns setof text language sql security definer set search_path = '' as 'select "mark" from "public"."b_quoted"';
create function public.f_array() returns text[] language sql security definer set search_path = '' as 'select array(select mark from public.b_array)';
create function public.f_cast() returns text language sql security definer set search_path = '' as 'select (select array_agg(b) from public.b_cast b)::text';
create function public.f_alias() returns setof record language sql security definer set search_path = '' as 'select b from public.b_alias as b';
create function public.f_window() returns setof text language sql security definer set search_path = '' as 'select first_value(mark) over (partition by id) from public.b_window';
create function public.f_truncate() returns void language plpgsql security definer set search_path = '' as $$ begin truncate public.b_truncate; end $$;
create function public.f_assign() returns text language plpgsql security definer set search_path = '' as $$
declare t text := (select string_agg(mark, ',') from public.b_assign); begin return t; end $$;
create function public.f_return_expr() returns jsonb language plpgsql security definer set search_path = '' as $$
begin return (select jsonb_agg(to_jsonb(b)) from public.b_return_expr b); end $$;
-- @seed
insert into public.b_cursor select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.b_refcursor select id, user_id, mark || 'x1' from only public.b_cursor;
insert into public.b_foreach select id, user_id, mark || 'x2' from only public.b_cursor;
insert into public.b_ctewrite select id, user_id, mark || 'x3' from only public.b_cursor;
insert into public.b_call select id, user_id, mark || 'x4' from only public.b_cursor;
insert into public.b_upsert select id, user_id, mark || 'x5' from only public.b_cursor;
insert into public.b_merge select id, user_id, mark || 'x6' from only public.b_cursor;
insert into public.b_rowtype select id, user_id, mark || 'x7' from only public.b_cursor;
insert into public.b_into select id, user_id, mark || 'x8' from only public.b_cursor;
insert into public.b_perform select id, user_id, mark || 'x9' from only public.b_cursor;
insert into public.b_exception select id, user_id, mark || 'x10' from only public.b_cursor;
insert into public.b_case select id, user_id, mark || 'x11' from only public.b_cursor;
insert into public.b_if select id, user_id, mark || 'x12' from only public.b_cursor;
insert into public.b_operator select id, user_id, mark || 'x13' from only public.b_cursor;
insert into public.b_aggregate select id, user_id, mark || 'x14' from only public.b_cursor;
insert into public.b_argument select id, user_id, mark || 'x15' from only public.b_cursor;
insert into public.b_view_aggregate select id, user_id, mark || 'x16' from only public.b_cursor;
insert into public.b_lateral select id, user_id, mark || 'x17' from only public.b_cursor;
insert into public.b_table select id, user_id, mark || 'x18' from only public.b_cursor;
insert into public.b_dollar select id, user_id, mark || 'x19' from only public.b_cursor;
insert into public.b_comment select id, user_id, mark || 'x20' from only public.b_cursor;
insert into public.b_updatefrom select id, user_id, mark || 'x21' from only public.b_cursor;
insert into public.b_deleteusing select id, user_id, mark || 'x22' from only public.b_cursor;
insert into public.b_only select id, user_id, mark || 'x23' from only public.b_cursor;
insert into public.b_quoted select id, user_id, mark || 'x24' from only public.b_cursor;
insert into public.b_array select id, user_id, mark || 'x25' from only public.b_cursor;
insert into public.b_cast select id, user_id, mark || 'x26' from only public.b_cursor;
insert into public.b_alias select id, user_id, mark || 'x27' from only public.b_cursor;
insert into public.b_window select id, user_id, mark || 'x28' from only public.b_cursor;
insert into public.b_truncate select id, user_id, mark || 'x29' from only public.b_cursor;
insert into public.b_assign select id, user_id, mark || 'x30' from only public.b_cursor;
insert into public.b_return_expr select id, user_id, mark || 'x31' from only public.b_cursor;
insert into public.b_dynamic select id, user_id, mark || 'x32' from only public.b_cursor;
insert into public.b_cursor_execute select id, user_id, mark || 'x33' from only public.b_cursor;
insert into public.b_do select id, user_id, mark || 'x34' from only public.b_cursor;
insert into public.b_copy select id, user_id, mark || 'x35' from only public.b_cursor;
insert into public.aggregated select id, user_id, mark || 'x36' from only public.b_cursor;
-- @calls
select * from public.f_cursor()
select * from public.f_refcursor()
select * from public.f_foreach()
select * from public.f_ctewrite()
select * from public.f_upsert()
select * from public.f_rowtype()
select * from public.f_into()
select * from public.f_perform()
select * from public.f_exception()
select * from public.f_case(2)
select * from public.f_if(1)
select * from public.f_operator()
select * from public.f_aggregate()
select * from public.f_argument()
select * from public.f_lateral()
select * from public.f_table()
select * from public.f_dollar()
select * from public.f_comment()
select * from public.f_updatefrom()
select * from public.f_deleteusing()
select * from public.f_only()
select * from public.f_quoted()
select * from public.f_array()
select * from public.f_cast()
select * from public.f_window()
select * from public.f_truncate()
select * from public.f_assign()
select * from public.f_return_expr()
select * from public.f_alias() as (b public.b_alias)
