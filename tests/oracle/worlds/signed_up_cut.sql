-- What signing up puts in is not what is written: a cast, a default or the column itself cuts, pads or rounds it.
create domain public.short as varchar(5);
do $$ declare one record; begin
  for one in select * from (values
      ('cut', 'text', '', $c$'admin-x'::varchar(5)$c$, $c$v = 'admin'$c$),
      ('cut_not', 'text', '', $c$'admin-x'::varchar(5)$c$, $c$v = 'admin-x'$c$),
      ('cut_domain', 'text', '', $c$'admin-x'::public.short$c$, $c$v = 'admin'$c$),
      ('cut_default', 'text', $c$default 'admin-x'::varchar(5)$c$, 'default', $c$v = 'admin'$c$),
      ('other_domain', 'text', '', $c$'admin-x'::public.short$c$, $c$v = 'other'$c$),
      ('other_default', 'text', $c$default 'admin-x'::varchar(5)$c$, 'default', $c$v = 'other'$c$),
      ('other_default_by', 'text', $c$default lower('ADMIN')$c$, 'default', $c$v = 'other'$c$),
      ('other_blanks', 'varchar(5)', '', $c$'admin   '$c$, $c$v = 'other'$c$),
      ('other_padded', 'char(8)', '', $c$'admin'$c$, $c$v = 'other'$c$),
      ('other_rounded', 'numeric(6,1)', '', '1.45', 'v = 7'),
      ('other_int', 'int', '', '1.5', 'v = 7'),
      ('other_bool', 'boolean', '', $c$'yes'$c$, 'not v'),
      ('other_time', 'timestamp(0)', '', $c$'2001-01-01 00:00:00.6'$c$, $c$v = '2002-01-01 00:00:01'$c$),
      ('cut_twice', 'text', '', $c$('admin-x'::text)::varchar(5)::text$c$, $c$v = 'admin'$c$),
      ('blanks', 'varchar(5)', '', $c$'admin   '$c$, $c$v = 'admin'$c$),
      ('padded', 'char(8)', '', $c$'admin'$c$, $c$v = 'admin   '$c$),
      ('padded_text', 'text', '', $c$'admin'::char(8)$c$, $c$v = 'admin'$c$),
      ('padded_kept', 'char(8)', '', $c$'admin'$c$, $c$v::text || '!' = 'admin!'$c$),
      ('rounded', 'numeric(6,1)', '', '1.45', 'v = 1.5'),
      ('rounded_not', 'numeric(6,1)', '', '1.45', 'v = 1.45'),
      ('rounded_cast', 'numeric', '', '1.45::numeric(6,1)', 'v = 1.5'),
      ('rounded_default', 'numeric(6,1)', 'default 1.45', 'default', 'v = 1.5'),
      ('rounded_int', 'int', '', '1.5', 'v = 2'),
      ('rounded_int_default', 'int', 'default 1.5', 'default', 'v = 2'),
      ('rounded_small', 'numeric(6,-2)', '', '149', 'v = 100'),
      ('as_real', 'real', '', '0.1', 'v = 0.1::double precision'),
      ('as_text', 'text', '', '007', $c$v = '7'$c$),
      ('as_bool', 'boolean', '', $c$'yes'$c$, 'v'),
      ('as_name', 'name', '', $c$repeat('a', 70)$c$, $c$length(v::text) = 63$c$),
      ('cased', 'text', '', $c$upper('admin')$c$, $c$v = 'ADMIN'$c$),
      ('time', 'timestamp(0)', '', $c$'2001-01-01 00:00:00.6'$c$, $c$v = '2001-01-01 00:00:01'$c$)
    ) v (name, kind, otherwise, put, condition) loop
    execute format('create table public.m_%s (user_id uuid primary key, v %s not null %s)', one.name, one.kind, one.otherwise);
    execute format('alter table public.m_%s enable row level security', one.name);
    execute format('create policy r on public.m_%s for select to authenticated using (user_id = auth.uid())', one.name);
    execute format('create table public.by_%s (id uuid primary key, user_id uuid, mark text)', one.name);
    execute format('alter table public.by_%s enable row level security', one.name);
    execute format('create policy p on public.by_%s for select using (exists (select from public.m_%s r where r.user_id = auth.uid() and %s))', one.name, one.name, one.condition);
    execute format($f$create function public.fill_%s() returns trigger language plpgsql security definer set search_path = '' as
      $b$ begin insert into public.m_%s (user_id, v) values (new.id, %s); return new; end $b$ $f$, one.name, one.name, one.put);
    execute format('create trigger %I after insert on auth.users for each row execute function public.fill_%s()', one.name, one.name);
  end loop;
end $$;
-- What nothing is put into is NULL at first; an integer's cast leaves few texts to pick from.
create table public.m_unset (user_id uuid primary key, v text, seen timestamptz, n text not null);
alter table public.m_unset enable row level security;
create policy r on public.m_unset for select to authenticated using (user_id = auth.uid());
create function public.fill_unset() returns trigger language plpgsql security definer set search_path = '' as
$b$ begin insert into public.m_unset (user_id, n) values (new.id, coalesce((new.raw_user_meta_data ->> 'n')::int, 0)); return new; end $b$;
create trigger unset after insert on auth.users for each row execute function public.fill_unset();
do $$ declare one record; begin
  for one in select * from (values ('set', 'r.v is not null'), ('unset', 'r.v is null and r.seen is null'), ('seen', 'r.seen is not null'), ('picked', 'r.n = ''admin''')) v (name, condition) loop
    execute format('create table public.by_%s (id uuid primary key, user_id uuid, mark text)', one.name);
    execute format('alter table public.by_%s enable row level security', one.name);
    execute format('create policy p on public.by_%s for select using (exists (select from public.m_unset r where r.user_id = auth.uid() and %s))', one.name, one.condition);
  end loop;
end $$;
-- A variable's type cuts what it is given, and so does an argument's.
create table public.m_variable (user_id uuid primary key, v text not null);
create table public.by_variable (id uuid primary key, user_id uuid, mark text);
create table public.m_argument (user_id uuid primary key, v text not null);
create table public.by_argument (id uuid primary key, user_id uuid, mark text);
alter table public.m_variable enable row level security;
alter table public.by_variable enable row level security;
alter table public.m_argument enable row level security;
alter table public.by_argument enable row level security;
create policy r on public.m_variable for select to authenticated using (user_id = auth.uid());
create policy r on public.m_argument for select to authenticated using (user_id = auth.uid());
create policy p on public.by_variable for select using (exists (select from public.m_variable r where r.user_id = auth.uid() and r.v = '2'));
create policy p on public.by_argument for select using (exists (select from public.m_argument r where r.user_id = auth.uid() and r.v = '1.5'));
create function public.put(whose uuid, amount numeric) returns void language sql security definer set search_path = '' as
$$ insert into public.m_argument (user_id, v) values (whose, amount::numeric(6,1)) $$;
create function public.fill() returns trigger language plpgsql security definer set search_path = '' as
$$ declare n int := 1.5; begin
  insert into public.m_variable (user_id, v) values (new.id, n);
  perform public.put(new.id, 1.45);
  return new;
end $$;
create trigger fill after insert on auth.users for each row execute function public.fill();
-- @seed
do $$ declare one text; begin
  for one in select relname from pg_class where relnamespace = 'public'::regnamespace and relname like 'by\_%' and relkind = 'r' loop
    execute format($f$insert into public.%I select format('%%s-0000-4000-8000-1000000000%%s0', repeat(o, 8), n)::uuid,
      case o when 'c' then null else format('%%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%%s%%s%%s]', o, n, %L)
      from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n$f$, one, one);
  end loop;
end $$;
-- @measures
authenticated public.by_cut all none none none
authenticated public.by_cut_domain all none none none
authenticated public.by_cut_default all none none none
authenticated public.by_cut_twice all none none none
authenticated public.by_blanks all none none none
authenticated public.by_padded all none none none
authenticated public.by_padded_text all none none none
authenticated public.by_padded_kept all none none none
authenticated public.by_rounded all none none none
authenticated public.by_rounded_cast all none none none
authenticated public.by_rounded_default all none none none
authenticated public.by_rounded_int all none none none
authenticated public.by_rounded_int_default all none none none
authenticated public.by_rounded_small all none none none
authenticated public.by_as_bool all none none none
authenticated public.by_time all none none none
authenticated public.by_variable all none none none
authenticated public.by_argument all none none none
authenticated public.by_unset all none none none
authenticated public.by_cut_not none none none none
authenticated public.by_rounded_not none none none none
authenticated public.by_other_domain none none none none
authenticated public.by_other_default none none none none
authenticated public.by_other_default_by none none none none
authenticated public.by_other_blanks none none none none
authenticated public.by_other_padded none none none none
authenticated public.by_other_rounded none none none none
authenticated public.by_other_int none none none none
authenticated public.by_other_bool none none none none
authenticated public.by_other_time none none none none
authenticated public.by_set none none none none
authenticated public.by_seen none none none none
authenticated public.by_picked none none none none
