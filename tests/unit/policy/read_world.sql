-- Tables, views and helpers such as policies name; the policies that are read are made by the test, on public.docs.
create type public.stage as enum ('draft', 'live');
create domain public.tag as text check (value <> '');
create table public.docs (
  id int primary key,
  owner uuid,
  org uuid not null,
  title text,
  short varchar(8),
  status text not null check (status in ('open', 'done')),
  phase public.stage,
  tagged public.tag,
  shown boolean,
  num int check (num > 0),
  price numeric(10, 2),
  due timestamptz,
  day date,
  crew uuid[],
  words text[],
  meta jsonb,
  path text not null
);
alter table public.docs enable row level security;

create table public.orgs (id uuid primary key, name text not null, owner uuid, unique (name, owner));
create table public.members (
  org uuid not null references public.orgs,
  "user" uuid not null,
  rank text not null default 'member',
  stage public.stage,
  primary key (org, "user")
);
alter table public.members enable row level security;
create policy own on public.members for select using ("user" = auth.uid());
create table public.likes (doc int, org uuid, "user" uuid);
create table public.narrow (id int, org uuid, secret text);
create table public.closed (org uuid);
create table public.loop_a (id int);
create table public.loop_b (id int);
alter table public.loop_a enable row level security;
alter table public.loop_b enable row level security;
create policy a on public.loop_a using (exists (select from public.loop_b b where b.id = loop_a.id));
create policy b on public.loop_b using (exists (select from public.loop_a a where a.id = loop_b.id));
create table public.base (org uuid);
create table public.part () inherits (public.base);

create view public.bosses as select m.org, m."user" as who from public.members m where m.rank = 'boss';
create view public.my_bosses with (security_invoker) as select org, "user" as who from public.members where rank = 'boss';
create view public.counts as select org, count(*) as many from public.members group by org;

create function public.is_member(org uuid) returns boolean language sql stable security definer as $$
  select exists (select 1 from members m where m.org = $1 and m."user" = auth.uid())
$$;
create function public.is_member_by_caller(wanted uuid) returns boolean language sql stable as $$
  select exists (select 1 from members where org = wanted)
$$;
create function public.shadowed(org uuid) returns boolean language sql stable as $$
  select exists (select 1 from members where org = org)
$$;
create function public.named_by_function(org uuid) returns boolean language sql stable as $$
  select exists (select 1 from likes where likes.org = named_by_function.org)
$$;
create function public.has_rank(wanted text, within uuid default null) returns boolean language sql stable as $$
  select exists (select 1 from members where rank = wanted and (org = within or within is null))
$$;
create function public.rank_in(o uuid) returns text language sql stable security definer as $$
  select rank from members where org = o and "user" = auth.uid()
$$;
create function public.stage_is(s public.stage) returns boolean language sql immutable as $$ select s = 'live' $$;
create function public.returned(n int) returns boolean return n > 3;
create function public.atomic(n int) returns boolean begin atomic select n > 4; end;
create function public.strictly(n int) returns boolean language sql immutable strict as $$ select n > 5 $$;
create function public.my_orgs() returns setof uuid language sql stable security definer as $$
  select org from members where "user" = auth.uid()
$$;
create function public.my_orgs_too() returns table (o uuid, r text) language plpgsql stable security definer as $$
begin
  return query select m.org, m.rank from members m where m."user" = auth.uid();
end $$;
create function public.org_list() returns uuid[] language sql stable security definer as $$
  select array_agg(org) from members where "user" = auth.uid()
$$;
create function public.lone_return(n int) returns boolean language plpgsql immutable as $$
begin
  return n > 6;
end $$;
create function public.clash(org uuid) returns boolean language plpgsql stable as $$
begin
  return exists (select 1 from likes where org = clash.org);
end $$;
create function public.who() returns boolean language sql stable security definer as $$
  select current_user = 'authenticated'
$$;
create function public.who_calls() returns boolean language sql stable as $$ select current_user = 'authenticated' $$;
create function public.over(n int) returns int language sql as $$ select n $$;
create function public.over(n text) returns int language sql as $$ select 1 $$;
create function public.ping(n int) returns boolean language plpgsql as $$ begin return public.pong(n); end $$;
create function public.pong(n int) returns boolean language plpgsql as $$ begin return public.ping(n); end $$;
create function public.writes() returns boolean language sql as $$
  with x as (insert into public.likes values (1) returning 1) select exists (select from x)
$$;
create function public.timed() returns boolean language sql set datestyle = 'German' as $$ select true $$;
create function public.md5(uuid) returns text language sql immutable as $$ select 'x' $$;
create function public.uses_md5(t text) returns boolean language sql immutable as $$ select md5(t) = 'x' $$;

create function public.is_boss() returns boolean language plpgsql stable security definer as $$
begin
  if exists (select 1 from members m where m."user" = auth.uid() and m.rank = 'boss') then
    return true;
  end if;
  return false;
end $$;
create function public.rank_is(wanted text) returns boolean language plpgsql stable security definer as $$
declare
  v_rank text;
begin
  select m.rank into v_rank from members m where m."user" = auth.uid() limit 1;
  return v_rank = wanted;
end $$;
create function public.least_num(n int) returns boolean language plpgsql stable as $$
declare
  least constant int := 3;
  more int default least + 1;
begin
  return n > more;
end $$;
create function public.my_org() returns uuid language plpgsql stable security definer as $$
declare
  found_org uuid;
begin
  select org into strict found_org from members where "user" = auth.uid();
  return found_org;
end $$;
create function public.signed_in_member(o uuid) returns boolean language plpgsql stable security definer as $$
begin
  if auth.uid() is null then
    return false;
  end if;
  return exists (select 1 from members m where m.org = o and m."user" = auth.uid());
end $$;
create function public.by_case(word text) returns boolean language plpgsql stable as $$
begin
  case word
    when 'own', 'mine' then return auth.uid() is not null;
    when 'all' then return true;
    else return false;
  end case;
end $$;
create function public.case_searched(n int) returns text language plpgsql stable as $$
begin
  case when n > 5 then return 'many'; when n > 1 then return 'some'; end case;
end $$;
create function public.is_found(o uuid) returns boolean language plpgsql stable security definer as $$
begin
  perform 1 from members m where m.org = o and m."user" = auth.uid();
  return found;
end $$;
create function public.if_not_found(o uuid) returns boolean language plpgsql stable security definer as $$
declare
  r text;
begin
  select m.rank into r from members m where m.org = o and m."user" = auth.uid();
  if not found then
    return false;
  end if;
  return r = 'boss';
end $$;
create function public.or_raises(o uuid) returns boolean language plpgsql stable as $$
begin
  if o is null then
    raise exception 'no org';
  end if;
  return o = auth.uid();
end $$;
create function public.reassigned(n int) returns boolean language plpgsql immutable as $$
declare
  ok boolean := false;
begin
  if n > 3 then
    ok := true;
  elsif n = 2 then
    n := n + 5;
  end if;
  return ok or n > 6;
end $$;
create function public.by_record() returns boolean language plpgsql stable security definer as $$
declare
  r record;
begin
  select m.org, m.rank into r from members m where m."user" = auth.uid();
  return r.rank = 'boss';
end $$;
create function public.by_row(o uuid) returns boolean language plpgsql stable security definer as $$
declare
  r public.members%rowtype;
begin
  select * into r from members m where m."user" = auth.uid() and m.org = o;
  return r.rank = 'boss';
end $$;
create function public.by_column_type() returns text language plpgsql stable security definer as $$
declare
  r members.rank%type;
begin
  r := (select m.rank from members m where m."user" = auth.uid());
  return r;
end $$;
create function public.variable_clashes() returns boolean language plpgsql stable security definer as $$
declare
  org uuid := auth.uid();
begin
  return exists (select 1 from likes where org = auth.uid());
end $$;
create function public.column_wins() returns boolean language plpgsql stable security definer as $$
#variable_conflict use_column
declare
  org uuid := auth.uid();
begin
  return exists (select 1 from likes where org = auth.uid());
end $$;
create function public.out_given(n int, out ok boolean) language plpgsql immutable as $$
begin
  ok := n > 7;
end $$;
create function public.two_selects(n int) returns boolean language sql stable as $$
  select 1;
  select n > 8;
$$;
create function public.cut(t text) returns boolean language plpgsql immutable as $$
declare
  v varchar(3) := t;
begin
  return v = 'abc';
end $$;
create function public.loops(n int) returns boolean language plpgsql immutable as $$
declare
  total int := 0;
begin
  if n is null then return false; end if;
  for one in 1..n loop total := total + one; end loop;
  return total > 3;
end $$;
create function public.by_own_row() returns boolean language plpgsql stable security definer as $$
declare
  r public.members%rowtype;
  o likes%rowtype;
begin
  select "user", org, rank into o.org, r.org, r.rank from members where "user" = auth.uid();
  select "user", org into o from members where "user" = auth.uid();
  return o.org = auth.uid();
end $$;
create function public.in_turn(n int) returns text language plpgsql immutable as $$
declare
  said text := 'few';
begin
  if n > 2 then
    if n > 4 then said := 'many'; end if;
  else
    return 'none';
  end if;
  return said;
end $$;
create function public.caught(n int) returns boolean language plpgsql immutable as $$
begin
  if n > 1 then return true; end if;
  return 1 / n > 0;
exception when division_by_zero then
  return false;
end $$;
create function public.truth_of(n int) returns boolean language plpgsql immutable as $$
declare
  v boolean;
begin
  v := n;
  return v;
end $$;
create function public.refuses(n int) returns boolean language plpgsql immutable as $$
declare
  v int not null := n;
begin
  return v > 1;
end $$;
create function public.says_so(t text) returns void language plpgsql immutable as $$ begin perform 1; end $$;
create function public.dots() returns boolean language plpgsql immutable as $$
<<outer_block>>
declare
  a int := 1;
begin
  declare
    a int := 2;
  begin
    return outer_block.a = a;
  end;
end $$;
create function public.moments(n int) returns boolean language plpgsql stable as $$
declare
  v int := n;
  first text := v::text collate "C";
begin
  v := v + 1;
  return first = v::text collate "C" or first = 'a';
end $$;
create function public.by_chance(o uuid) returns boolean language sql as 'select random() < 0.5';
create function public.asks_by_chance(o uuid) returns boolean language sql stable as 'select public.by_chance(o)';
create function public.loops_anew(n int) returns boolean language plpgsql as $$
declare
  total float := 0;
begin
  for one in 1..n loop total := total + random(); end loop;
  return total > 3;
end $$;
create function public.grows(t text) returns boolean language plpgsql immutable as $$
declare
  v text := t;
begin
  v := v || v; v := v || v; v := v || v; v := v || v; v := v || v; v := v || v; v := v || v; v := v || v;
  v := v || v; v := v || v; v := v || v; v := v || v; v := v || v; v := v || v; v := v || v; v := v || v;
  v := v || v; v := v || v; v := v || v; v := v || v; v := v || v; v := v || v; v := v || v; v := v || v;
  return v = 'a';
end $$;

grant usage on schema public to anon, authenticated;
grant select on all tables in schema public to anon, authenticated;
revoke all on public.closed, public.narrow from anon, authenticated, public;
grant select (id, org) on public.narrow to authenticated;
grant execute on all functions in schema public to anon, authenticated;
