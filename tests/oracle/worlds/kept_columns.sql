-- Triggers that go over the columns of their row with dynamic SQL: all but one have to stay as they are.
create table public.kept (id uuid primary key, user_id uuid, mark text, "on hold" boolean, n int not null default 0);
alter table public.kept enable row level security;
create policy own on public.kept for select using (user_id = auth.uid());
create policy counted on public.kept for update using (user_id = auth.uid());
create table public.beside (id uuid primary key, user_id uuid, mark text);
alter table public.beside enable row level security;
create table public.quoted (id uuid primary key, user_id uuid, mark text, n int, "n"" is null); delete from public.beside; --" text);
create function public.only_n() returns trigger language plpgsql security definer set search_path = '' as
$$ declare one record; differs boolean;
begin
  for one in select * from json_each_text(row_to_json(new)) loop
    execute format('select ($1."%s" is distinct from $2."%s")', one.key, one.key) using new, old into differs;
    if differs and one.key <> 'n' then raise exception 'not allowed: %', one.key; end if;
  end loop;
  return new;
end $$;
create trigger only_n before update on public.kept for each row execute function public.only_n();
create function public.count_up(which uuid) returns void language sql security definer set search_path = '' as
$$ update public.kept set n = n + 1 where id = which and user_id = auth.uid() $$;
-- The same for a row with a name that ends the quotes around it.
create function public.only_quoted() returns trigger language plpgsql security definer set search_path = '' as
$$ declare one record;
begin
  for one in select * from json_each_text(row_to_json(new)) loop
    if one.key like '%"%' then execute format('select ($1."%s")', one.key) using new; end if;
  end loop;
  return new;
end $$;
create trigger only_quoted before update on public.quoted for each row execute function public.only_quoted();
-- @seed
insert into public.kept select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.beside select id, user_id, mark || 'b' from public.kept;
insert into public.quoted select id, user_id, mark || 'q' from public.kept;
-- @calls
select public.count_up('aaaaaaaa-0000-4000-8000-100000000010')
