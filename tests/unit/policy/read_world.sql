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

grant usage on schema public to anon, authenticated;
grant select on all tables in schema public to anon, authenticated;
revoke all on public.closed, public.narrow from anon, authenticated, public;
grant select (id, org) on public.narrow to authenticated;
grant execute on all functions in schema public to anon, authenticated;
