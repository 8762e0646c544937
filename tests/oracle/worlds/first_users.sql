-- Sign-ups whose "first user" is not the first: the count sees no rows, some rows, or those of another table.
create schema other;
create table other.ranks_named (user_id uuid primary key);
create table public.ranks_filtered (user_id uuid primary key, rank text not null, mark text);
create table public.ranks_skipped (user_id uuid primary key, rank text not null, mark text);
create table public.ranks_limited (user_id uuid primary key, rank text not null, mark text);
create table public.ranks_where (user_id uuid primary key, rank text not null, mark text);
create table public.ranks_filter (user_id uuid primary key, rank text not null, mark text);
create table public.ranks_named (user_id uuid primary key, rank text not null, mark text);
create table public.ranks_only (user_id uuid not null, rank text not null, mark text) partition by hash (user_id);
create table public.ranks_only_1 partition of public.ranks_only for values with (modulus 1, remainder 0);
create table public.ranks_emptied (user_id uuid primary key, rank text not null, mark text);
create table public.queue (user_id uuid primary key);
create table public.ranks_swallowed (user_id uuid primary key, rank text not null, mark text);
create table public.waiting (user_id uuid primary key);
create table public.ranks_conditional (user_id uuid primary key, rank text not null, mark text);
create table public.corporate (user_id uuid primary key);
create table public.ranks_perhaps (user_id uuid primary key, rank text not null, mark text);
create table public.listed (user_id uuid primary key);
-- This one is.
create table public.ranks_first (user_id uuid primary key, rank text not null, mark text);
do $$ declare one text; begin
  for one in select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') loop
    execute format('alter table public.%I enable row level security', one);
  end loop;
  for one in select unnest(array['filtered', 'skipped', 'limited', 'where', 'filter', 'named', 'only', 'emptied', 'swallowed', 'conditional', 'perhaps', 'first']) loop
    execute format('create policy r on public.ranks_%s for select to authenticated using (user_id = auth.uid())', one);
    execute format('create table public.by_%s (id uuid primary key, user_id uuid, mark text)', one);
    execute format('alter table public.by_%s enable row level security', one);
    execute format('create policy p on public.by_%s for select using (exists (select from public.ranks_%s r where r.user_id = auth.uid() and r.rank = ''owner''))', one, one);
  end loop;
end $$;
-- As whoever owns it, which sees no row.
create function public.as_group() returns trigger language plpgsql security definer set search_path = '' as
$$ declare n int; begin
  select count(*) into n from public.ranks_filtered;
  insert into public.ranks_filtered (user_id, rank) values (new.id, case when n = 0 then 'owner' else 'guest' end);
  return new;
end $$;
create function public.sign_up() returns trigger language plpgsql security definer set search_path = '' as
$$ declare n int; begin
  insert into public.ranks_skipped (user_id, rank) values (new.id, case when not exists (select 1 from public.ranks_skipped offset 9) then 'owner' else 'guest' end);
  insert into public.ranks_limited (user_id, rank) values (new.id, case when not exists (select 1 from public.ranks_limited limit 0) then 'owner' else 'guest' end);
  select count(*) into n from public.ranks_where w where w.mark = 'old';
  insert into public.ranks_where (user_id, rank) values (new.id, case when n = 0 then 'owner' else 'guest' end);
  select count(*) filter (where f.mark = 'old') into n from public.ranks_filter f;
  insert into public.ranks_filter (user_id, rank) values (new.id, case when n = 0 then 'owner' else 'guest' end);
  select count(*) into n from other.ranks_named;
  insert into public.ranks_named (user_id, rank) values (new.id, case when n = 0 then 'owner' else 'guest' end);
  select count(*) into n from only public.ranks_only;
  insert into public.ranks_only (user_id, rank) values (new.id, case when n = 0 then 'owner' else 'guest' end);
  select count(*) into n from public.ranks_first;
  insert into public.ranks_first (user_id, rank) values (new.id, case when n = 0 then 'owner' else 'guest' end);
  return new;
end $$;
-- A name that stands for a table of each schema.
create function public.name_them() returns trigger language plpgsql security definer set search_path = 'public' as
$$ begin insert into ranks_named (user_id, rank) values (new.id, 'guest') on conflict (user_id) do nothing; return new; end $$;
-- What it puts in is taken out at once, by itself or by a trigger, or never gets there.
create function public.empty_it() returns trigger language plpgsql security definer set search_path = '' as
$$ declare n int; begin
  select count(*) into n from public.queue;
  insert into public.queue (user_id) values (new.id);
  insert into public.ranks_emptied (user_id, rank) values (new.id, case when n = 0 then 'owner' else 'guest' end);
  delete from public.queue where user_id = new.id;
  return new;
end $$;
create function public.swallow() returns trigger language plpgsql as $$ begin return null; end $$;
create trigger swallow before insert on public.waiting for each row execute function public.swallow();
create function public.swallow_it() returns trigger language plpgsql security definer set search_path = '' as
$$ declare n int; begin
  select count(*) into n from public.waiting;
  insert into public.waiting (user_id) values (new.id);
  insert into public.ranks_swallowed (user_id, rank) values (new.id, case when n = 0 then 'owner' else 'guest' end);
  return new;
end $$;
-- A trigger that not everybody sets off, and a row that not everybody gets.
create function public.list_corporate() returns trigger language plpgsql security definer set search_path = '' as
$$ begin insert into public.corporate (user_id) values (new.id); return new; end $$;
create trigger corporate after insert on auth.users for each row when (new.email like '%@corp.example') execute function public.list_corporate();
create function public.first_corporate() returns trigger language plpgsql security definer set search_path = '' as
$$ declare n int; begin
  select count(*) into n from public.corporate;
  insert into public.ranks_conditional (user_id, rank) values (new.id, case when n = 0 then 'owner' else 'guest' end);
  return new;
end $$;
create function public.list_perhaps() returns trigger language plpgsql security definer set search_path = '' as
$$ declare n int; begin
  select count(*) into n from public.listed;
  insert into public.listed (user_id) select new.id where new.email like '%@corp.example';
  insert into public.ranks_perhaps (user_id, rank) values (new.id, case when n = 0 then 'owner' else 'guest' end);
  return new;
end $$;
create trigger s1 after insert on auth.users for each row execute function public.as_group();
create trigger s2 after insert on auth.users for each row execute function public.sign_up();
create trigger s3 after insert on auth.users for each row execute function public.name_them();
create trigger s4 after insert on auth.users for each row execute function public.empty_it();
create trigger s5 after insert on auth.users for each row execute function public.swallow_it();
create trigger s6 after insert on auth.users for each row execute function public.first_corporate();
create trigger s7 after insert on auth.users for each row execute function public.list_perhaps();
-- @seed
grant select, insert on public.ranks_filtered to oracle_group;
create policy i on public.ranks_filtered for insert to oracle_group with check (true);
alter function public.as_group() owner to oracle_group;
-- A signs up again, as the last of three.
do $$ declare one text; begin
  for one in select relname from pg_class where relnamespace = 'public'::regnamespace and relname like 'ranks\_%' and relname <> 'ranks_only_1' and relkind in ('r', 'p') loop
    execute format('delete from public.%I where user_id = ''aaaaaaaa-0000-4000-8000-000000000001''', one);
  end loop;
end $$;
update public.ranks_first set rank = 'guest' where true;
delete from auth.users where id = 'aaaaaaaa-0000-4000-8000-000000000001';
insert into auth.users (id, email) values ('aaaaaaaa-0000-4000-8000-000000000001', 'a@example.com');
do $$ declare one text; begin
  for one in select relname from pg_class where relnamespace = 'public'::regnamespace and relname like 'ranks\_%' and relname <> 'ranks_only_1' and relkind in ('r', 'p') loop
    execute format('update public.%I set mark = format(''[%%s%%s]'', user_id, %L)', one, one);
  end loop;
  for one in select relname from pg_class where relnamespace = 'public'::regnamespace and relname like 'by\_%' and relkind = 'r' loop
    execute format($f$insert into public.%I select format('%%s-0000-4000-8000-1000000000%%s0', repeat(o, 8), n)::uuid,
      case o when 'c' then null else format('%%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%%s%%s%%s]', o, n, %L)
      from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n$f$, one, one);
  end loop;
end $$;
-- @measures
authenticated public.by_filtered all none none none
authenticated public.by_skipped all none none none
authenticated public.by_limited all none none none
authenticated public.by_where all none none none
authenticated public.by_filter all none none none
authenticated public.by_named all none none none
authenticated public.by_only all none none none
authenticated public.by_emptied all none none none
authenticated public.by_swallowed all none none none
authenticated public.by_conditional all none none none
authenticated public.by_perhaps all none none none
authenticated public.by_first none none none none
