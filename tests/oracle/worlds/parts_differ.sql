-- Parts whose rows cannot be as the whole's: by NOT NULL, a foreign key, a trigger, or a CHECK that ties what a policy asks to the key.
create table public.kinds (kind text primary key);
create table public.pairs (year int, kind text, primary key (year, kind));
create table public.sizes_of (year int, size int, primary key (year, size));
create table public.kinds_of (size int, kind text, primary key (size, kind));
create function public.set_kind() returns trigger language plpgsql as $$ begin new.kind := 'plain'; return new; end $$;
create function public.set_kind_of_year() returns trigger language plpgsql as
$$ begin if new.year = 1 then new.kind := 'plain'; end if; return new; end $$;
do $$ declare one text; begin
  for one in select unnest(array['nulls', 'fk', 'trigger', 'whole_trigger', 'check', 'whole_fk', 'chain', 'sub_key', 'deep', 'same']) loop
    execute format('create table public.%I (id uuid not null, user_id uuid, mark text, year int not null, kind text, size int) partition by list (year)', one);
    execute format('create table public.%I partition of public.%I for values in (2)', one || '_2', one);
    if one not in ('deep', 'sub_key') then
      execute format('create table public.%I partition of public.%I for values in (1)', one || '_1', one);
    end if;
  end loop;
  for one in select unnest(array['c_nulls', 'c_trigger', 'c_check', 'c_same']) loop
    execute format('create table public.%I (id uuid primary key, user_id uuid, mark text, year int not null, kind text, size int)', one);
    execute format('create table public.%I (primary key (id)) inherits (public.%I)', one || '_1', one);
  end loop;
end $$;
alter table public.nulls_1 alter column kind set not null;
alter table public.fk_1 add foreign key (kind) references public.kinds;
create trigger t before insert on public.trigger_1 for each row execute function public.set_kind();
create trigger t before insert on public.whole_trigger for each row execute function public.set_kind_of_year();
alter table public."check" add check (year <> 1 or kind = 'plain');
alter table public.whole_fk add foreign key (year, kind) references public.pairs match full;
-- By way of another column.
alter table public.chain add foreign key (year, size) references public.sizes_of match full, add foreign key (size, kind) references public.kinds_of match full;
create table public.deep_1 partition of public.deep for values in (1) partition by list (size);
alter table public.deep_1 add check (kind is not null and kind = 'plain');
-- By the key of a part.
create table public.sub_key_1 partition of public.sub_key for values in (1) partition by list (size);
create table public.sub_key_1a partition of public.sub_key_1 for values in (5);
alter table public.sub_key add foreign key (size, kind) references public.kinds_of match full;
create table public.deep_1a partition of public.deep_1 default;
alter table public.c_nulls_1 alter column kind set not null;
create trigger t before insert on public.c_trigger_1 for each row execute function public.set_kind();
alter table public.c_check_1 add check (kind is not null and kind = 'plain');
do $$ declare one record; begin
  for one in select c.relname, coalesce(p.relname, c.relname) as top, p.relname is null as whole from pg_class c left join pg_inherits i on i.inhrelid = c.oid left join pg_class p on p.oid = i.inhparent
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') loop
    execute format('alter table public.%I enable row level security', one.relname);
    if one.whole and one.relname not in ('kinds', 'pairs', 'sizes_of', 'kinds_of') then
      execute format('create policy r on public.%I for select using (%s)', one.relname, case when one.relname ~ 'nulls' then 'kind is null' else 'kind = ''rare''' end);
      execute format('create policy d on public.%I for delete using (%s)', one.relname, case when one.relname ~ 'nulls' then 'kind is null' else 'kind = ''rare''' end);
    end if;
    if not one.whole then
      execute format('revoke all on public.%I from anon, authenticated', one.relname);
    end if;
  end loop;
end $$;
-- @seed
insert into public.kinds values ('plain');
insert into public.sizes_of values (1, 5), (2, 5), (2, 6);
insert into public.kinds_of values (5, 'plain'), (6, 'rare');
insert into public.pairs values (1, 'plain'), (2, 'plain'), (2, 'rare');
do $$ declare one record; wanted text; begin
  for one in select relname, relkind from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname !~ '_[12]a?$' and relname not in ('kinds', 'pairs', 'sizes_of', 'kinds_of') loop
    for y in 1..2 loop
      foreach wanted in array array['plain', 'rare', null] loop
        begin
          execute format($f$insert into public.%I select format('%%s-0000-4000-8000-%%s000000%%s0', repeat(o, 8), %s, length(%L))::uuid,
            case o when 'c' then null else format('%%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[%%s%%s%%s%%s]', o, %L, %L, %L), %L::int, %L, case when %L = 'rare' then 6 else 5 end
            from unnest(array['a', 'b', 'c']) o$f$, case when one.relname ~ '^c_' and y = 1 then one.relname || '_1' else one.relname end, 1000 + y, coalesce(wanted, 'x'), one.relname, y, wanted, y, wanted, wanted);
        exception when not_null_violation or check_violation or foreign_key_violation then null;
        end;
      end loop;
    end loop;
  end loop;
end $$;
-- @measures
anon public.nulls some none none some
anon public.nulls_1 none none none none
anon public.nulls_2 some none none some
anon public.fk_1 none none none none
anon public.trigger_1 none none none none
anon public.whole_trigger_1 none none none none
anon public.check_1 none none none none
anon public.whole_fk_1 none none none none
anon public.chain_1 none none none none
anon public.sub_key_1a none none none none
anon public.deep_1 none none none none
anon public.deep_1a none none none none
anon public.same_1 some none none some
anon public.c_nulls_1 none none none none
anon public.c_trigger_1 none none none none
anon public.c_check_1 none none none none
anon public.c_same_1 some none none some
