-- What policies call runs for whoever is asked, in the middle of a statement: it may read settings by their names, and
-- write; what it asks of a table may have been made true by the statement itself.
create schema inner_parts;
grant usage on schema inner_parts to anon, authenticated;
create table public.config (is_open boolean not null, is_new boolean not null);
alter table public.config enable row level security;
create function inner_parts.is_set(name text) returns boolean language plpgsql security definer set search_path = '' as
$$ declare answer boolean; begin execute format('select %I from public.config limit 1', name) into answer; return answer; end $$;
create table public.notes (id uuid primary key default gen_random_uuid(), user_id uuid not null, mark text);
alter table public.notes enable row level security;
create policy own on public.notes using (user_id = auth.uid() and inner_parts.is_set('is_open'));

create table public.told (id uuid primary key default gen_random_uuid(), user_id uuid, mark text);
alter table public.told enable row level security;
create table public.secrets (id uuid primary key default gen_random_uuid(), user_id uuid, mark text);
alter table public.secrets enable row level security;
create table public.kept (id uuid primary key default gen_random_uuid(), user_id uuid, mark text);
alter table public.kept enable row level security;
create table public.steps (id uuid primary key default gen_random_uuid(), user_id uuid not null, mark text);
alter table public.steps enable row level security;
create function inner_parts.tell(who uuid) returns boolean language plpgsql security definer set search_path = '' as $$ begin
  insert into public.told (user_id, mark) values (auth.uid(), 'told');
  if exists (select from public.steps where user_id = auth.uid() and mark = 'first') then delete from public.secrets; end if;
  if auth.uid() is null then delete from public.kept; end if;
  return who = auth.uid();
end $$;
create policy step on public.steps for insert to authenticated with check (inner_parts.tell(user_id));
-- @seed
insert into public.config values (true, false);
insert into public.notes (user_id, mark) values ('aaaaaaaa-0000-4000-8000-000000000001', 'note-a'), ('bbbbbbbb-0000-4000-8000-000000000001', 'note-b');
insert into public.secrets (mark) values ('secret');
insert into public.kept (mark) values ('kept');
-- @calls
insert into public.steps (user_id, mark) values (auth.uid(), 'first'), (auth.uid(), 'second')
-- @measures
authenticated public.notes own own own own
authenticated public.secrets none none none all
authenticated public.kept none none none none
