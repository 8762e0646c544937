-- Triggers that raise, swallow, assign, keep, are off, or fire for a column or a condition only.
create table public.raising (id uuid primary key, user_id uuid, mark text, role text not null default 'user');
create table public.swallowing (id uuid primary key, user_id uuid, mark text);
create table public.assigning (id uuid primary key, user_id uuid, mark text);
create table public.keeping (id uuid primary key, user_id uuid, mark text);
create table public.off (id uuid primary key, user_id uuid, mark text);
create table public.some_columns (id uuid primary key, user_id uuid, mark text, role text not null default 'user');
create table public.conditional (id uuid primary key, user_id uuid, mark text, role text not null default 'user');
create table public.after_all (id uuid primary key, user_id uuid, mark text);
create table public.stamped (id uuid primary key, user_id uuid, mark text, updated_at timestamptz);
create table public.deferred (id uuid primary key, user_id uuid, mark text);
create table public.strict (id uuid primary key, user_id uuid, mark text);
create table public.loaded (id uuid primary key, user_id uuid, mark text);
create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
create function public.swallow() returns trigger language plpgsql as $$ begin return null; end $$;
create function public.assign() returns trigger language plpgsql as $$ begin new.user_id := auth.uid(); return new; end $$;
create function public.keep() returns trigger language plpgsql as $$ begin return old; end $$;
create function public.stamp() returns trigger language plpgsql as $$ begin new.updated_at = now(); return new; end $$;
create function public.into_strict() returns trigger language plpgsql as $$
declare found text; begin select 'x' into strict found where false; return new; end $$;
create function public.load() returns trigger language plpgsql as $$
begin select auth.uid() into new.user_id; return new; end $$;
create trigger t before insert or update or delete on public.raising for each row execute function public.refuse();
create trigger t before insert or update or delete on public.swallowing for each row execute function public.swallow();
create trigger t before insert or update on public.assigning for each row execute function public.assign();
create trigger t before update on public.keeping for each row execute function public.keep();
create trigger t before insert or update or delete on public.off for each row execute function public.refuse();
alter table public.off disable trigger t;
create trigger t before update of role on public.some_columns for each row execute function public.refuse();
create trigger t before update on public.conditional for each row when (new.role <> 'user') execute function public.refuse();
create trigger t after insert or update or delete on public.after_all for each statement execute function public.refuse();
create trigger t before update on public.stamped for each row execute function public.stamp();
create constraint trigger t after insert on public.deferred deferrable initially deferred for each row execute function public.refuse();
create trigger t before insert or update on public.strict for each row execute function public.into_strict();
create trigger t before insert or update on public.loaded for each row execute function public.load();
-- @seed
set session_replication_role = replica;
insert into public.stamped select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.raising select id, user_id, mark || 'r' from public.stamped;
insert into public.swallowing select id, user_id, mark || 's' from public.stamped;
insert into public.assigning select id, user_id, mark || 'a' from public.stamped;
insert into public.keeping select id, user_id, mark || 'k' from public.stamped;
insert into public.off select id, user_id, mark || 'o' from public.stamped;
insert into public.some_columns select id, user_id, mark || 'c' from public.stamped;
insert into public.conditional select id, user_id, mark || 'd' from public.stamped;
insert into public.after_all select id, user_id, mark || 'e' from public.stamped;
insert into public.deferred select id, user_id, mark || 'f' from public.stamped;
insert into public.strict select id, user_id, mark || 'g' from public.stamped;
insert into public.loaded select id, user_id, mark || 'h' from public.stamped;
reset session_replication_role;
