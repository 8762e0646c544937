-- Functions that run as their owner: SQL, PL/pgSQL, names without a schema, nested, dynamic, composite results, writes.
create schema private;
create table private.vault (id uuid primary key, user_id uuid, mark text);
create table public.secrets (id uuid primary key, user_id uuid, mark text);
alter table public.secrets enable row level security;
create table public.unqualified (id uuid primary key, user_id uuid, mark text);
alter table public.unqualified enable row level security;
create table public.nested (id uuid primary key, user_id uuid, mark text);
alter table public.nested enable row level security;
create table public.returning (id uuid primary key, user_id uuid, mark text);
alter table public.returning enable row level security;
create table public.by_out (id uuid primary key, user_id uuid, mark text);
alter table public.by_out enable row level security;
create table public.by_boolean (id uuid primary key, user_id uuid, mark text);
alter table public.by_boolean enable row level security;
create table public.viewed (id uuid primary key, user_id uuid, mark text);
alter table public.viewed enable row level security;
create table public.copied (id uuid primary key, user_id uuid, mark text);
alter table public.copied enable row level security;
create table public.shown_text (id uuid primary key, user_id uuid, mark text);
alter table public.shown_text enable row level security;
create table public.by_procedure (id uuid primary key, user_id uuid, mark text);
alter table public.by_procedure enable row level security;
create table public.untouched (id uuid primary key, user_id uuid, mark text);
alter table public.untouched enable row level security;
create table public.by_invoker (id uuid primary key, user_id uuid, mark text);
alter table public.by_invoker enable row level security;
create view private.viewed_view as select * from public.viewed;
create function public.get_secrets() returns setof public.secrets language sql security definer set search_path = '' as 'select * from public.secrets';
create function public.get_unqualified() returns table (mark text) language plpgsql security definer set search_path = public as
$$ begin return query select u.mark from unqualified u; end $$;
create function private.deep() returns setof text language sql as 'select mark from public.nested';
create function private.middle() returns setof text language sql as 'select * from private.deep()';
create function public.get_nested() returns setof text language sql security definer set search_path = '' as 'select * from private.middle()';
create function public.remove(which uuid) returns text language sql security definer set search_path = '' as
'delete from public.returning where id = which returning mark';
create function public.out_args(out mark text) language plpgsql security definer set search_path = '' as
$$ begin select b.mark into mark from public.by_out b order by b.id limit 1; end $$;
create function public.there(which text) returns boolean language sql security definer set search_path = '' as
'select exists (select from public.by_boolean where mark = which)';
create function public.wipe() returns boolean language sql security definer set search_path = '' as
'with gone as (delete from public.by_boolean returning 1) select exists (select from gone)';
create function public.get_viewed() returns setof text language sql security definer set search_path = '' as 'select mark from private.viewed_view';
create function public.write_viewed() returns void language sql security definer set search_path = '' as 'update private.viewed_view set mark = mark || ''!''';
create function public.copy_it() returns void language plpgsql security definer set search_path = '' as
$$ begin insert into public.copied select gen_random_uuid(), user_id, 'copy' from public.secrets; end $$;
create function public.as_text() returns text language plpgsql security definer set search_path = '' as
$$ declare r record; t text := ''; begin for r in select * from public.shown_text loop t := t || r.mark; end loop; return t; end $$;
create procedure public.proc() language plpgsql security definer set search_path = '' as
$$ begin truncate public.by_procedure; end $$;
create function public.invoker_reads() returns setof text language sql as 'select mark from public.by_invoker';
create function public.own_vault() returns setof text language plpgsql security definer set search_path = '' as
$$ begin if auth.uid() is null then raise exception 'sign in'; end if;
 return query select mark from private.vault where user_id = auth.uid(); end $$;
create function public.nobody_may() returns setof text language sql security definer set search_path = '' as 'select mark from public.untouched';
revoke execute on function public.nobody_may() from public, anon, authenticated;
-- @seed
insert into private.vault select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.secrets select id, user_id, mark || 's' from private.vault;
insert into public.unqualified select id, user_id, mark || 'u' from private.vault;
insert into public.nested select id, user_id, mark || 'n' from private.vault;
insert into public.returning select id, user_id, mark || 'r' from private.vault;
insert into public.by_out select id, user_id, mark || 'o' from private.vault;
insert into public.by_boolean select id, user_id, mark || 'b' from private.vault;
insert into public.viewed select id, user_id, mark || 'v' from private.vault;
insert into public.copied select id, user_id, mark || 'c' from private.vault;
insert into public.shown_text select id, user_id, mark || 't' from private.vault;
insert into public.by_procedure select id, user_id, mark || 'p' from private.vault;
insert into public.untouched select id, user_id, mark || 'x' from private.vault;
insert into public.by_invoker select id, user_id, mark || 'i' from private.vault;
-- @calls
select * from public.get_secrets()
select * from public.get_unqualified()
select * from public.get_nested()
select public.remove('aaaaaaaa-0000-4000-8000-100000000010')
select public.remove('aaaaaaaa-0000-4000-8000-100000000020')
select public.remove('bbbbbbbb-0000-4000-8000-100000000010')
select public.remove('bbbbbbbb-0000-4000-8000-100000000020')
select public.remove('cccccccc-0000-4000-8000-100000000010')
select public.remove('cccccccc-0000-4000-8000-100000000020')
select * from public.out_args()
select public.there('[na1]b')
select public.wipe()
select * from public.get_viewed()
select public.write_viewed()
select public.copy_it()
select public.as_text()
call public.proc()
select * from public.invoker_reads()
select * from public.own_vault()
select * from public.nobody_may()
