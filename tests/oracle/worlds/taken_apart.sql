-- Functions that take a list apart which they are given, and write a row for each element.
create table public.answers (id uuid primary key default gen_random_uuid(), user_id uuid not null, said text, mark text);
alter table public.answers enable row level security;
create policy own on public.answers for select using (user_id = auth.uid());
create function public.answer_all(p jsonb) returns void language plpgsql security definer set search_path = '' as
$$ begin
  if auth.uid() is null then raise exception 'who are you'; end if;
  insert into public.answers (user_id, said) select auth.uid(), e ->> 'said' from jsonb_array_elements(p) e;
end $$;
-- Whose each is, the list says.
create table public.entries (id uuid primary key default gen_random_uuid(), user_id uuid not null, said text, mark text);
alter table public.entries enable row level security;
create function public.enter_all(p jsonb) returns void language plpgsql security definer set search_path = '' as
$$ begin
  insert into public.entries (user_id, said) select (e ->> 'user_id')::uuid, e ->> 'said' from jsonb_array_elements(p) as e;
end $$;
-- Of elements that are each another's none need be one's own.
create table public.items (id uuid primary key, user_id uuid not null, mark text);
alter table public.items enable row level security;
create function public.drop_unless_mine(ids uuid[]) returns void language plpgsql security definer set search_path = '' as
$$ begin
  if exists (select 1 from unnest(ids) as i where i = auth.uid()) then raise exception 'not these'; end if;
  delete from public.items where id in (select i from unnest(ids) as i);
end $$;
create table public.kept (id uuid primary key, user_id uuid not null, mark text);
alter table public.kept enable row level security;
create function public.drop_mine(ids uuid[]) returns void language plpgsql security definer set search_path = '' as
$$ begin
  delete from public.kept k using unnest(ids) with ordinality as i (id, n) where k.id = i.id and k.user_id = auth.uid();
end $$;
-- What another table is joined for may say whose the row is, and may not.
create table public.joined (id uuid primary key, user_id uuid not null, said text, mark text);
create table public.unjoined (id uuid primary key, user_id uuid not null, said text, mark text);
alter table public.joined enable row level security;
alter table public.unjoined enable row level security;
create function public.say(ids uuid[]) returns void language plpgsql security definer set search_path = '' as
$$ begin
  update public.joined j set said = 'x' from public.kept k where k.user_id = auth.uid() and j.user_id = k.user_id and j.id = any (ids);
end $$;
create function public.say_anything(ids uuid[]) returns void language plpgsql security definer set search_path = '' as
$$ begin
  update public.unjoined j set said = 'x' from public.kept k where k.user_id = auth.uid() and j.id = any (ids);
end $$;
-- A key of which one part is not read: of the other it is known whose the row is that is changed.
create table public.usage (user_id uuid not null, day date not null, used integer not null default 0, mark text, primary key (user_id, day));
alter table public.usage enable row level security;
create function public.use_one() returns void language plpgsql security definer set search_path = '' as
$$ begin
  if auth.uid() is null then raise exception 'who are you'; end if;
  insert into public.usage (user_id, day, used) values (auth.uid(), (now() at time zone 'Europe/Vienna')::date, 1)
  on conflict (user_id, day) do update set used = usage.used + 1;
end $$;
-- @seed
insert into public.answers (id, user_id, mark) select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.entries (id, user_id, mark) select id, user_id, mark || 'x1' from public.answers;
insert into public.items select id, user_id, mark || 'x2' from public.answers;
insert into public.kept select id, user_id, mark || 'x3' from public.answers;
insert into public.joined select id, user_id, null, mark || 'x5' from public.answers;
insert into public.unjoined select id, user_id, null, mark || 'x6' from public.answers;
insert into public.usage select user_id, (now() at time zone 'Europe/Vienna')::date + right(mark, 2)::char(1)::integer - 1, 0, mark || 'x4' from public.answers;
-- @calls
select public.answer_all('[{"said": "a"}, {"said": "b"}]')
select public.enter_all('[{"user_id": "bbbbbbbb-0000-4000-8000-000000000001", "said": "a"}, {"user_id": "cccccccc-0000-4000-8000-000000000001", "said": "b"}]')
select public.drop_unless_mine((select array_agg(format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid) from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n))
select public.drop_mine((select array_agg(format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid) from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n))
select public.say((select array_agg(format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid) from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n))
select public.say_anything((select array_agg(format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid) from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n))
select public.use_one()
-- @measures
anon public.answers none none none none
anon public.items none none none all
anon public.kept none none none none
authenticated public.answers own own none none
authenticated public.items none none none all
authenticated public.kept none none none own
authenticated public.joined none none own none
authenticated public.unjoined none none all none
authenticated public.usage none own own none
