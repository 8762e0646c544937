-- Functions with their owner's rights that ask first, and those that ask too late, or the wrong thing.
do $$ declare one text; begin
foreach one in array array['own_only', 'signed_in', 'handed', 'joined_late', 'claimed', 'claimed_below', 'caught', 'looped', 'new_own',
  'new_any', 'new_changed', 'kept_key', 'gave_back', 'shadowed', 'valued', 'cursored', 'by_word', 'by_name', 'by_value', 'by_trigger', 'by_default',
  'gated', 'gated_not', 'swapped', 'defaulted', 'said', 'nested_all', 'cascaded', 'counted', 'twice', 'or_else', 'by_helper', 'joined_within', 'joined_beside', 'joined_while'] loop
  execute format('create table public.%I (id uuid primary key default gen_random_uuid(), user_id uuid, mark text)', one);
  execute format('alter table public.%I enable row level security', one);
end loop; end $$;
create table public.members (user_id uuid, team text);
alter table public.members enable row level security;
create table public.fires (id uuid primary key default gen_random_uuid(), user_id uuid, mark text);
create unique index on public.kept_key (user_id);
create table public.parents (id uuid primary key, user_id uuid, mark text);
alter table public.parents enable row level security;
alter table public.cascaded add parent uuid references public.parents on delete set null;

create function public.f_own_only() returns void language plpgsql security definer set search_path = '' as
$$ begin update public.own_only set mark = mark || '!' where user_id = auth.uid(); end $$;
create function public.f_signed_in() returns setof text language plpgsql security definer set search_path = '' as
$$ begin if auth.uid() is null then raise exception 'sign in'; end if; return query select mark from public.signed_in; end $$;
create function public.f_handed(which uuid) returns void language plpgsql security definer set search_path = '' as
$$ begin update public.handed set user_id = auth.uid() where id = which; delete from public.handed where user_id = auth.uid(); end $$;
create function public.f_joined_late() returns setof text language plpgsql security definer set search_path = '' as
$$ begin insert into public.members values (auth.uid(), 'x');
if not exists (select from public.members where user_id = auth.uid()) then raise exception 'no member'; end if;
return query select mark from public.joined_late; end $$;
create function public.f_claimed(who uuid) returns setof text language plpgsql security definer set search_path = '' as
$$ begin perform set_config('request.jwt.claims', json_build_object('sub', who)::text, true);
return query select mark from public.claimed where user_id = auth.uid(); end $$;
create function public.claim(who uuid) returns void language plpgsql set search_path = '' as
$$ begin perform set_config('request.jwt.claims', json_build_object('sub', who)::text, true); end $$;
create function public.f_claimed_below(who uuid) returns setof text language plpgsql security definer set search_path = '' as
$$ begin perform public.claim(who); return query select mark from public.claimed_below where user_id = auth.uid(); end $$;
create function public.f_caught() returns setof text language plpgsql security definer set search_path = '' as
$$ begin begin if auth.uid() is null or true then raise exception 'no'; end if; exception when others then null; end;
return query select mark from public.caught; end $$;
create function public.f_looped() returns setof text language plpgsql security definer set search_path = '' as
$$ begin for n in 1..2 loop
if exists (select from public.members where team = 'loop') then return query select mark from public.looped; return; end if;
insert into public.members values (null, 'loop'); end loop; end $$;
create function public.f_new_own() returns void language plpgsql security definer set search_path = '' as
$$ begin insert into public.new_own (user_id, mark) values (auth.uid(), 'new'); end $$;
create function public.f_new_any(who uuid) returns void language plpgsql security definer set search_path = '' as
$$ begin insert into public.new_any (user_id, mark) values (who, 'new'); end $$;
create function public.f_new_changed() returns void language plpgsql security definer set search_path = '' as
$$ begin insert into public.new_changed (user_id, mark) values (auth.uid(), 'new'); end $$;
create function public.change() returns trigger language plpgsql as
$$ begin new.user_id := 'bbbbbbbb-0000-4000-8000-000000000001'; return new; end $$;
create trigger t before insert on public.new_changed for each row execute function public.change();
create function public.f_kept_key() returns void language plpgsql security definer set search_path = '' as
$$ begin if auth.uid() is null then raise exception 'no'; end if;
insert into public.kept_key (user_id, mark) values (auth.uid(), 'new') on conflict (user_id) do update set mark = 'kept'; end $$;
create function public.f_gave_back(which uuid) returns setof text language plpgsql security definer set search_path = '' as
$$ begin return query update public.gave_back set mark = mark || '!' where id = which returning mark; end $$;
create function public.f_shadowed() returns setof text language plpgsql security definer set search_path = '' as
$$ begin return query with signed_in as (select * from public.shadowed) select mark from signed_in; end $$;
create function public.f_valued() returns setof text language plpgsql security definer set search_path = '' as
$$ begin return query select (select string_agg(v.mark, ',') from public.valued v) from public.own_only o limit 1; end $$;
create function public.f_cursored() returns text language plpgsql security definer set search_path = '' as
$$ declare c cursor for select mark from public.cursored; t text; one text; begin t := '';
open c; loop fetch c into one; exit when not found; t := t || one; end loop; return t; end $$;
create function public.f_by_word() returns setof text language plpgsql security definer set search_path = '' as
$$ declare q text := 'select mark from public.by_word'; begin q := q || ' where user_id = auth.uid()'; return query execute q; end $$;
create function public.f_by_name(which text) returns setof text language plpgsql security definer set search_path = '' as
$$ begin return query execute format('select mark from public.by_%I', which); end $$;
create function public.f_by_value(which text) returns void language plpgsql security definer set search_path = '' as
$$ begin execute format('delete from public.by_value where mark = %L', which); end $$;
create function public.f_trigger() returns trigger language plpgsql security definer set search_path = '' as
$$ begin delete from public.by_trigger where user_id = auth.uid(); return null; end $$;
create trigger t after update on public.fires for each statement execute function public.f_trigger();
create function public.let_in() returns text language plpgsql security definer set search_path = '' as
$$ begin insert into public.members values (auth.uid(), 'default'); return 'x'; end $$;
create function public.f_by_default(x text default public.let_in()) returns setof text language plpgsql security definer set search_path = '' as
$$ begin if not exists (select from public.members where team = 'default') then raise exception 'no'; end if;
return query select mark from public.by_default; end $$;
create function public.f_gated(which uuid) returns void language plpgsql security definer set search_path = '' as
$$ begin if not exists (select from public.gated g where g.id = which and g.user_id = auth.uid()) then raise exception 'not yours'; end if;
delete from public.gated where id = which; end $$;
create function public.f_gated_not(which uuid) returns void language plpgsql security definer set search_path = '' as
$$ begin if exists (select from public.gated_not g where g.id = which and g.user_id = auth.uid()) then raise exception 'yours'; end if;
delete from public.gated_not where id = which; end $$;
create function public.f_swapped(which uuid) returns void language plpgsql security definer set search_path = '' as
$$ declare who uuid := auth.uid(); begin if who is null then raise exception 'no'; end if; who := (select user_id from public.swapped where id = which);
delete from public.swapped where user_id = who; end $$;
create function public.f_defaulted(who uuid default auth.uid()) returns void language plpgsql security definer set search_path = '' as
$$ begin delete from public.defaulted where user_id = who; end $$;
create function public.f_said() returns setof text language plpgsql security definer set search_path = '' as
$$ declare one text; begin for one in select s.mark from public.said s loop return next one || '?'; end loop; end $$;
create function public.all_nested() returns setof text language sql set search_path = '' as 'select mark from public.nested_all';
create function public.f_nested_all() returns setof text language plpgsql security definer set search_path = '' as
$$ begin return query select * from public.all_nested(); end $$;
create function public.f_cascaded() returns setof text language plpgsql security definer set search_path = '' as
$$ begin delete from public.parents; if exists (select from public.cascaded where parent is null) then
return query select c.mark from public.cascaded c where c.parent is null; end if; end $$;
create function public.f_counted() returns bigint language sql security definer set search_path = '' as 'select count(*) from public.counted';
create function public.f_twice(which uuid) returns setof text language plpgsql security definer set search_path = '' as
$$ begin if which is null then return query select mark from public.twice; else return query select mark from public.twice where user_id = auth.uid(); end if; end $$;
create function public.f_or_else(which uuid) returns setof text language plpgsql security definer set search_path = '' as
$$ declare v public.or_else; begin select * into v from public.or_else where user_id = auth.uid() limit 1;
if v.id is null then select * into v from public.or_else where id = which; end if; return query select v.mark; end $$;
create function public.must_own(which uuid) returns void language plpgsql security definer set search_path = '' as
$$ begin if auth.uid() is null then raise exception 'no'; end if; end $$;
create function public.f_by_helper(which uuid) returns void language plpgsql security definer set search_path = '' as
$$ begin perform public.must_own(which); delete from public.by_helper where id = which; end $$;
create function public.join_in() returns boolean language plpgsql security definer set search_path = '' as
$$ begin insert into public.members values (auth.uid(), 'staff'); return true; end $$;
revoke execute on function public.join_in() from public, anon, authenticated;
create function public.is_in() returns boolean language plpgsql volatile security definer set search_path = '' as
$$ begin return exists (select from public.members where user_id = auth.uid() and team = 'staff'); end $$;
create function public.f_joined_within() returns setof text language plpgsql security definer set search_path = '' as
$$ begin return query select w.mark from public.joined_within w where public.join_in() and public.is_in(); end $$;
create function public.f_joined_beside(which uuid) returns void language plpgsql security definer set search_path = '' as
$$ declare joined boolean; let boolean; begin select public.join_in(), public.is_in() into joined, let;
if let then delete from public.joined_beside where id = which; end if; end $$;
create function public.f_joined_while(which uuid) returns void language plpgsql security definer set search_path = '' as
$$ begin delete from public.joined_while where id = which and public.join_in() and public.is_in(); end $$;
-- @seed
do $$ declare one text; begin
foreach one in array array['own_only', 'signed_in', 'handed', 'joined_late', 'claimed', 'claimed_below', 'caught', 'looped', 'new_own',
  'new_any', 'new_changed', 'gave_back', 'shadowed', 'valued', 'cursored', 'by_word', 'by_name', 'by_value', 'by_trigger', 'by_default',
  'gated', 'gated_not', 'swapped', 'defaulted', 'said', 'nested_all', 'cascaded', 'counted', 'twice', 'or_else', 'by_helper', 'joined_within', 'joined_beside', 'joined_while', 'fires', 'parents'] loop
  execute format($q$insert into public.%I (id, user_id, mark) select format('%%s-0000-4000-8000-1000000000%%s0', repeat(o, 8), n)::uuid,
    case o when 'c' then null else format('%%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[%%s%%s%s]', o, n)
    from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n$q$, one, one);
end loop; end $$;
update public.cascaded set parent = id;
insert into public.kept_key (id, user_id, mark) select id, user_id, mark || 'k' from public.own_only where mark like '[_1%' and user_id is not null;
-- @calls
select public.f_own_only()
select public.f_joined_while('bbbbbbbb-0000-4000-8000-100000000010')
select * from public.f_joined_within()
select public.f_joined_beside('bbbbbbbb-0000-4000-8000-100000000010')
select * from public.f_signed_in()
select public.f_handed('bbbbbbbb-0000-4000-8000-100000000010')
select public.f_handed('cccccccc-0000-4000-8000-100000000010')
select * from public.f_joined_late()
select * from public.f_claimed('bbbbbbbb-0000-4000-8000-000000000001')
select * from public.f_claimed_below('bbbbbbbb-0000-4000-8000-000000000001')
select * from public.f_caught()
select * from public.f_looped()
select public.f_new_own()
select public.f_new_any('bbbbbbbb-0000-4000-8000-000000000001')
select public.f_new_any(null)
select public.f_new_changed()
select public.f_kept_key()
select * from public.f_gave_back('bbbbbbbb-0000-4000-8000-100000000010')
select * from public.f_shadowed()
select * from public.f_valued()
select public.f_cursored()
select * from public.f_by_word()
select * from public.f_by_name('name')
select public.f_by_value('[b1by_value]')
select * from public.f_by_default()
select public.f_gated('bbbbbbbb-0000-4000-8000-100000000010')
select public.f_gated('aaaaaaaa-0000-4000-8000-100000000010')
select public.f_gated_not('aaaaaaaa-0000-4000-8000-100000000010')
select public.f_gated_not('aaaaaaaa-0000-4000-8000-100000000020')
select public.f_gated_not('bbbbbbbb-0000-4000-8000-100000000010')
select public.f_gated_not('bbbbbbbb-0000-4000-8000-100000000020')
select public.f_gated_not('cccccccc-0000-4000-8000-100000000010')
select public.f_gated_not('cccccccc-0000-4000-8000-100000000020')
select public.f_swapped('bbbbbbbb-0000-4000-8000-100000000010')
select public.f_defaulted()
select public.f_defaulted('bbbbbbbb-0000-4000-8000-000000000001')
select * from public.f_said()
select * from public.f_nested_all()
select * from public.f_cascaded()
select public.f_counted()
select * from public.f_twice(null)
select * from public.f_or_else('bbbbbbbb-0000-4000-8000-100000000010')
select public.f_by_helper('bbbbbbbb-0000-4000-8000-100000000010')
