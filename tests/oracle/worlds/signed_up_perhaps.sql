-- Rows that signing up puts in for some only: a conflict, a condition, a trigger or what follows keeps them from the rest.
create table public.m_conflict (user_id uuid, slot text unique);
create table public.m_target (user_id uuid, slot text unique);
create table public.m_index (user_id uuid, slot text);
create unique index on public.m_index (slot);
create table public.m_written (user_id uuid, slot text);
create unique index on public.m_written (lower(slot));
create table public.m_part (user_id uuid, slot text);
create unique index on public.m_part (slot) where slot = 'guest';
create table public.m_excluded (user_id uuid, slot int4range, exclude using gist (slot with &&));
create table public.m_day (user_id uuid, day date not null default current_date unique);
create table public.m_where (user_id uuid primary key);
create table public.m_when (user_id uuid primary key);
create table public.m_off (user_id uuid primary key);
create table public.m_swallowed (user_id uuid primary key);
create table public.m_rule (user_id uuid primary key);
create rule nothing as on insert to public.m_rule where new.user_id::text !~ '^c' do instead nothing;
create table public.m_handler (user_id uuid, slot text unique);
create table public.m_if (user_id uuid primary key);
create table public.m_truncated (user_id uuid primary key);
create table public.above (user_id uuid primary key);
create table public.m_cascaded (user_id uuid primary key references public.above on delete cascade);
-- These are everybody's.
create table public.m_own_conflict (user_id uuid primary key, kind text);
create table public.m_own_index (user_id uuid, kind text);
create unique index on public.m_own_index (user_id, kind);
create table public.m_number (id bigint generated always as identity primary key, user_id uuid);
create table public.m_always (user_id uuid primary key);
do $$ declare one text; begin
  for one in select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' loop
    execute format('alter table public.%I enable row level security', one);
    if one like 'm\_%' then
      execute format('create function public.in_%s() returns boolean language sql stable security definer set search_path = '''' as ''select exists (select from public.%s r where r.user_id = auth.uid())''', one, one);
      execute format('create table public.by_%s (id uuid primary key, user_id uuid, mark text)', one);
      execute format('alter table public.by_%s enable row level security', one);
      execute format('create policy p on public.by_%s for select using (public.in_%s())', one, one);
    end if;
  end loop;
end $$;
create function public.swallow() returns trigger language plpgsql as
$$ begin if new.user_id::text ~ '^c' then return new; end if; return null; end $$;
create trigger swallow before insert on public.m_swallowed for each row execute function public.swallow();
create function public.sign_up() returns trigger language plpgsql security definer set search_path = '' as
$$ begin
  insert into public.m_conflict (user_id, slot) values (new.id, 'guest') on conflict do nothing;
  insert into public.m_target (user_id, slot) values (new.id, 'guest') on conflict (slot) do nothing;
  insert into public.m_index (user_id, slot) values (new.id, 'guest') on conflict do nothing;
  insert into public.m_written (user_id, slot) values (new.id, 'guest') on conflict do nothing;
  insert into public.m_part (user_id, slot) values (new.id, 'guest') on conflict do nothing;
  insert into public.m_excluded (user_id, slot) values (new.id, '[1,3)') on conflict do nothing;
  insert into public.m_day (user_id) values (new.id) on conflict do nothing;
  insert into public.m_own_index (user_id, kind) values (new.id, 'member') on conflict do nothing;
  insert into public.m_number (user_id) values (new.id) on conflict do nothing;
  insert into public.m_where (user_id) select new.id where new.email like 'c@%';
  insert into public.m_swallowed (user_id) values (new.id);
  insert into public.m_rule (user_id) values (new.id);
  begin
    insert into public.m_handler (user_id, slot) values (new.id, 'guest');
  exception when unique_violation then null;
  end;
  if new.email like 'c@%' then insert into public.m_if (user_id) values (new.id); end if;
  insert into public.above (user_id) values (new.id);
  insert into public.m_cascaded (user_id) values (new.id);
  delete from public.above where user_id::text !~ '^c';
  insert into public.m_own_conflict (user_id, kind) values (new.id, 'member') on conflict (user_id) do nothing;
  insert into public.m_always (user_id) values (new.id);
  return new;
end $$;
create function public.fill_truncated() returns trigger language plpgsql security definer set search_path = '' as
$$ begin insert into public.m_truncated (user_id) values (new.id); truncate public.m_truncated; return new; end $$;
create function public.fill_when() returns trigger language plpgsql security definer set search_path = '' as
$$ begin insert into public.m_when (user_id) values (new.id); return new; end $$;
create function public.fill_off() returns trigger language plpgsql security definer set search_path = '' as
$$ begin insert into public.m_off (user_id) values (new.id); return new; end $$;
create trigger s1 after insert on auth.users for each row execute function public.sign_up();
create trigger s2 after insert on auth.users for each row execute function public.fill_truncated();
create trigger s3 after insert on auth.users for each row when (new.email like 'c@%') execute function public.fill_when();
create trigger s4 after insert on auth.users for each row execute function public.fill_off();
alter table auth.users disable trigger s4;
-- @seed
-- All sign up again, C first.
delete from auth.users where id::text ~ '^[abc]{8}-';
do $$ declare one text; begin
  for one in select relname from pg_class where relnamespace = 'public'::regnamespace and relname like 'm\_%' and relkind = 'r' loop
    execute format('delete from public.%I where true', one);
  end loop;
  delete from public.above where true;
end $$;
insert into auth.users (id, email) select format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, o || '@example.com' from unnest(array['c', 'a', 'b']) o;
do $$ declare one text; begin
  for one in select relname from pg_class where relnamespace = 'public'::regnamespace and relname like 'by\_%' and relkind = 'r' loop
    execute format($f$insert into public.%I select format('%%s-0000-4000-8000-1000000000%%s0', repeat(o, 8), n)::uuid,
      case o when 'c' then null else format('%%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%%s%%s%%s]', o, n, %L)
      from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n$f$, one, one);
  end loop;
end $$;
-- @measures
authenticated public.by_m_conflict none none none none
authenticated public.by_m_target none none none none
authenticated public.by_m_index none none none none
authenticated public.by_m_written none none none none
authenticated public.by_m_part none none none none
authenticated public.by_m_excluded none none none none
authenticated public.by_m_day none none none none
authenticated public.by_m_where none none none none
authenticated public.by_m_when none none none none
authenticated public.by_m_off none none none none
authenticated public.by_m_swallowed none none none none
authenticated public.by_m_rule none none none none
authenticated public.by_m_handler none none none none
authenticated public.by_m_if none none none none
authenticated public.by_m_truncated none none none none
authenticated public.by_m_cascaded none none none none
authenticated public.by_m_own_conflict all none none none
authenticated public.by_m_own_index all none none none
authenticated public.by_m_number all none none none
authenticated public.by_m_always all none none none
