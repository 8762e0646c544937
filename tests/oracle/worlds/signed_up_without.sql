-- Policies for those who lack a row. Also where signing up makes it there is somebody: an account of before the trigger,
-- or one that is gone while its token is good.
create table public.profiles (id uuid primary key references auth.users on delete cascade, kind text not null default 'member');
create table public.bans (user_id uuid primary key);
create function public.sign_up() returns trigger language plpgsql security definer set search_path = '' as
$$ begin insert into public.profiles (id) values (new.id); return new; end $$;
create trigger sign_up after insert on auth.users for each row execute function public.sign_up();
create table public.welcomes (id uuid primary key, user_id uuid, mark text);
create table public.kinds (id uuid primary key, user_id uuid, mark text);
create table public.accounts (id uuid primary key, user_id uuid, mark text);
create table public.posts (id uuid primary key, user_id uuid, mark text);
create table public.members (id uuid primary key, user_id uuid, mark text);
create policy mine on public.profiles for select using (id = auth.uid());
create policy mine on public.bans for select using (user_id = auth.uid());
create policy newcomers on public.welcomes for select to authenticated using (
  not exists (select from public.profiles p where p.id = auth.uid()));
create policy newcomers on public.kinds for select to authenticated using (
  (select p.kind from public.profiles p where p.id = auth.uid()) is null);
create function public.is_unknown() returns boolean language sql stable security definer set search_path = ''
  as $$ select not exists (select from auth.users u where u.id = auth.uid()) $$;
create policy strangers on public.accounts for select to authenticated using (public.is_unknown());
create policy decent on public.posts for select to authenticated using (
  not exists (select from public.bans b where b.user_id = auth.uid()));
create policy members on public.members for select to authenticated using (
  (select p.kind from public.profiles p where p.id = auth.uid()) is distinct from 'banned'
  and not exists (select from public.bans b where b.user_id = auth.uid()));
do $$ declare one text; begin
  for one in select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' loop
    execute format('alter table public.%I enable row level security', one);
  end loop;
end $$;
-- @seed
delete from auth.users where id::text ~ '^[abc]{8}-';
insert into auth.users (id, email) select format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, o || '@example.com' from unnest(array['c', 'a', 'b']) o;
insert into public.bans values ('bbbbbbbb-0000-4000-8000-000000000001');
do $$ declare one text; begin
  foreach one in array array['welcomes', 'kinds', 'accounts', 'posts', 'members'] loop
    execute format($f$insert into public.%I select format('%%s-0000-4000-8000-1000000000%%s0', repeat(o, 8), n)::uuid,
      case o when 'c' then null else format('%%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%%s%%s%%s]', o, n, %L)
      from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n$f$, one, one);
  end loop;
end $$;
-- @measures
authenticated public.welcomes all none none none
authenticated public.kinds all none none none
authenticated public.accounts all none none none
authenticated public.posts all none none none
authenticated public.members all none none none
