-- Functions that look a row up by the key that they are given, ask about what they found, and then write that row.
create table public.tickets (id uuid primary key, owner_id uuid not null, code text unique, open boolean not null default true, mark text);
alter table public.tickets enable row level security;
create policy own on public.tickets for select using (owner_id = auth.uid());
create function public.close_ticket(t uuid) returns void language plpgsql security definer set search_path = '' as
$$ declare whose uuid; begin
  select owner_id into whose from public.tickets where id = t;
  if whose <> auth.uid() or auth.uid() is null then raise exception 'not yours'; end if;
  update public.tickets set open = false where id = t;
end $$;
create function public.drop_ticket(t uuid) returns void language plpgsql security definer set search_path = '' as
$$ begin
  if not exists (select 1 from public.tickets where id = t and owner_id = auth.uid()) then raise exception 'not yours'; end if;
  delete from public.tickets where id = t;
end $$;
-- Not found is not refused, but then there is no row either.
create table public.lists (id uuid primary key, owner_id uuid not null, mark text);
alter table public.lists enable row level security;
create function public.drop_list(t uuid) returns void language plpgsql security definer set search_path = '' as
$$ declare whose uuid; begin
  select owner_id into whose from public.lists where id = t;
  if whose is not null and whose is distinct from auth.uid() then raise exception 'not yours'; end if;
  delete from public.lists where id = t;
end $$;
-- What is asked about is another row: by a column that is no key, by another argument, of another table.
create table public.parcels (id uuid primary key, owner_id uuid not null, number text, mark text);
alter table public.parcels enable row level security;
create function public.drop_parcels(n text) returns void language plpgsql security definer set search_path = '' as
$$ begin
  if not exists (select 1 from public.parcels where number = n and owner_id = auth.uid()) then raise exception 'not yours'; end if;
  delete from public.parcels where number = n;
end $$;
create table public.swaps (id uuid primary key, owner_id uuid not null, mark text);
alter table public.swaps enable row level security;
create function public.swap(mine uuid, theirs uuid) returns void language plpgsql security definer set search_path = '' as
$$ begin
  if not exists (select 1 from public.swaps where id = mine and owner_id = auth.uid()) then raise exception 'not yours'; end if;
  update public.swaps set mark = mark || '!' where id = theirs;
end $$;
-- What was asked about is another's once it was written, and a new row is not the one that was found.
create table public.given (id uuid primary key, owner_id uuid not null, mark text);
alter table public.given enable row level security;
create function public.take_over(t uuid) returns void language plpgsql security definer set search_path = '' as
$$ begin
  update public.given set owner_id = auth.uid() where id = t;
  if not exists (select 1 from public.given where id = t and owner_id = auth.uid()) then raise exception 'not yours'; end if;
  delete from public.given where id = t;
end $$;
create table public.made (id uuid primary key, owner_id uuid not null, mark text);
alter table public.made enable row level security;
create function public.make_again(t uuid, whose uuid, m text) returns void language plpgsql security definer set search_path = '' as
$$ begin
  if not exists (select 1 from public.made where id = t and owner_id = auth.uid()) then raise exception 'not yours'; end if;
  insert into public.made values (t, whose, m);
end $$;
-- A row of a part need not be the whole's by its key.
create table public.wholes (id uuid primary key, owner_id uuid not null, mark text);
create table public.pieces (primary key (id)) inherits (public.wholes);
alter table public.wholes enable row level security;
alter table public.pieces enable row level security;
create function public.drop_whole(t uuid) returns void language plpgsql security definer set search_path = '' as
$$ begin
  if not exists (select 1 from public.wholes where id = t and owner_id = auth.uid()) then raise exception 'not yours'; end if;
  delete from public.wholes where id = t;
end $$;
-- @seed
insert into public.tickets (id, owner_id, mark) select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.lists select id, owner_id, mark || 'x1' from public.tickets;
insert into public.parcels select id, owner_id, 'one', mark || 'x2' from public.tickets;
insert into public.swaps select id, owner_id, mark || 'x3' from public.tickets;
insert into public.given select id, owner_id, mark || 'x4' from public.tickets;
insert into public.made select id, owner_id, mark || 'x5' from public.tickets;
insert into public.wholes select id, owner_id, mark || 'x6' from public.tickets where owner_id::text like 'a%' or owner_id::text like 'b%';
insert into public.pieces select 'aaaaaaaa-0000-4000-8000-100000000010'::uuid, 'cccccccc-0000-4000-8000-000000000001'::uuid, '[pc]';
-- @calls
select public.close_ticket('aaaaaaaa-0000-4000-8000-100000000010')
select public.close_ticket('bbbbbbbb-0000-4000-8000-100000000010')
select public.close_ticket('cccccccc-0000-4000-8000-100000000010')
select public.drop_ticket('aaaaaaaa-0000-4000-8000-100000000010')
select public.drop_ticket('bbbbbbbb-0000-4000-8000-100000000010')
select public.drop_ticket('cccccccc-0000-4000-8000-100000000010')
select public.drop_list('aaaaaaaa-0000-4000-8000-100000000010')
select public.drop_list('bbbbbbbb-0000-4000-8000-100000000010')
select public.drop_list('cccccccc-0000-4000-8000-100000000010')
select public.drop_parcels('one')
select public.swap('aaaaaaaa-0000-4000-8000-100000000010', 'bbbbbbbb-0000-4000-8000-100000000010')
select public.swap('aaaaaaaa-0000-4000-8000-100000000010', 'cccccccc-0000-4000-8000-100000000010')
select public.take_over('bbbbbbbb-0000-4000-8000-100000000010')
select public.take_over('cccccccc-0000-4000-8000-100000000010')
select public.make_again('aaaaaaaa-0000-4000-8000-100000000010', 'bbbbbbbb-0000-4000-8000-000000000001', '[n]')
select public.make_again('aaaaaaaa-0000-4000-8000-100000000010', 'cccccccc-0000-4000-8000-000000000001', '[n]')
select public.drop_whole('aaaaaaaa-0000-4000-8000-100000000010')
select public.drop_whole('bbbbbbbb-0000-4000-8000-100000000010')
-- @measures
anon public.tickets none none none none
authenticated public.tickets own none own own
authenticated public.lists none none none own
authenticated public.parcels none none none all
authenticated public.swaps none none some none
authenticated public.given none none none some
