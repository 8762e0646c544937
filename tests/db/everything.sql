-- A database with one of everything that a snapshot has to tell, and with secrets (S3CRET) where it must not look.
create role cat_owner nologin noinherit createrole;
create role cat_member nologin;
create role cat_nobody login connection limit 5;
create role cat_gone;
create role "cat ""odd""" bypassrls;
grant cat_owner to cat_member with admin option;
alter role cat_member set app.jwt_secret = 'S3CRET=1';
alter role cat_member set search_path = 'app', 'a b';
alter role cat_owner in database everything set work_mem = '8MB';
alter database everything set app.settings.key = 'S3CRET';

create schema app authorization cat_owner;
grant usage on schema app to cat_member with grant option;
revoke all on schema public from public;
create schema "odd ""name""";

create domain app.email as text check (value ~ '@');
create type app.mood as enum ('glad', 'sad');
create type app.pair as (a int, b int);

create table app.people (
  id bigint generated always as identity primary key,
  gone int,
  email app.email not null,
  mood app.mood,
  born date default now(),
  age int generated always as (1 + 1) stored,
  unique (email),
  constraint grown check (age > 0)
);
alter table app.people drop column gone;
alter table app.people owner to cat_owner;
alter table app.people enable row level security;
alter table app.people force row level security;
revoke delete on app.people from cat_owner;
grant select (email), update (email, mood) on app.people to cat_member with grant option;
grant select on app.people to cat_gone;
grant insert on app.people to public;

create table app.orders (id serial, person bigint references app.people, day date, note text) partition by range (day);
create table app.orders_2024 partition of app.orders for values from ('2024-01-01') to ('2025-01-01');
create table app.base (a int);
create table app.child (b int) inherits (app.base);
alter table app.base replica identity full;
analyze app.base;

create function app.is_me(name text) returns boolean language sql stable as 'select name = current_user';
create function app.is_me(name text, variadic more int[]) returns boolean language sql leakproof as 'select true';
create function app.standard(a int, out b int, out c text) begin atomic select a + 1, 'x'; end;
create procedure app.work(inout a int) language plpgsql security definer
  set search_path = '' set app.secret = 'S3CRET' set row_security = off as 'begin end';
create function app.touch() returns trigger language plpgsql as 'begin return new; end';
create function app.on_ddl() returns event_trigger language plpgsql as 'begin end';
create function app.rows_of() returns setof app.people language sql security definer as 'select * from app.people';
create aggregate app.total(int) (sfunc = int4pl, stype = int);
revoke execute on function app.is_me(text) from public;
grant execute on function app.is_me(text) to cat_member;

create policy everybody on app.people using (true);
create policy "select ""mine""" on app.people for select to cat_member, cat_gone using (app.is_me(email::text));
create policy put on app.people for insert with check (email is not null);
create policy change on app.people as restrictive for update to cat_owner using (id > 0) with check (mood = 'glad');
create policy remove on app.people for delete to public
  using (exists (select from app.orders o where o.person = people.id));

create view app.open_view as select id, email from app.people;
create view app.checked with (security_barrier) as select id from app.people where id > 0 with cascaded check option;
create view app.counted as select count(*) from app.orders;
create materialized view app.stored as select * from app.open_view;
create rule quiet as on delete to app.base do also notify x;
create rule redirect as on insert to app.counted do instead insert into app.base values (1);
create trigger touch before insert or update on app.people for each row execute function app.touch('S3CRET');
alter table app.people disable trigger touch;
create event trigger cat_watch on ddl_command_end execute function app.on_ddl();
alter event trigger cat_watch disable;
create sequence app.loose;
grant usage on sequence app.loose to cat_member;

create extension citext schema app;
create foreign data wrapper cat_bare options (secret 'S3CRET');
create server cat_bare foreign data wrapper cat_bare options (host 'S3CRET', password 'S3CRET');
create extension postgres_fdw schema "odd ""name""";
create server cat_real foreign data wrapper postgres_fdw options (host 'S3CRET=x');
grant usage on foreign server cat_real to cat_member;
create user mapping for cat_member server cat_real options (user 'S3CRET', password 'S3CRET');
create user mapping for public server cat_bare options (password 'S3CRET');
create foreign table app.far (a int options (secret 'S3CRET')) server cat_bare options (secret 'S3CRET');
create foreign table app.near (a int) server cat_real options (table_name 'S3CRET');
create view app.over_far as select a from app.far;
create view app.over_over_far as select a from app.over_far;

create publication cat_all for all tables;
create publication cat_one for table app.base (a), app.orders with (publish_via_partition_root);
create publication cat_schema for tables in schema app;

alter default privileges for role cat_owner in schema app grant select on tables to cat_member;
alter default privileges for role cat_owner revoke execute on functions from public;

create temp table passing (a int);
alter table passing enable row level security;
create policy passing on passing using (true);

do $$
declare odd text = E'"\'\\n\n\t{"x": [\x01';
begin
  odd = odd || repeat('é', (63 - octet_length(odd)) / 2) || repeat('x', (63 - octet_length(odd)) % 2);
  execute format('create table %1$I.%1$I (%1$I int, "select" text)', odd);
exception when invalid_schema_name then
  execute format('create schema %I', odd);
  execute format('create table %1$I.%1$I (%1$I int, "select" text)', odd);
  execute format('create policy %1$I on %1$I.%1$I using (%1$I = 1 and "select" = %1$L)', odd);
  execute format('create function %1$I.%1$I(%1$I int) returns int language sql as ''select 1''', odd);
end $$;

do $$
begin
  execute 'create table app.wide (' || (select string_agg('c' || n || ' int', ',') from generate_series(1, 1600) n) || ')';
end $$;

-- As after a crash or a restore of half a cluster: grants to a role that is no more.
set allow_system_table_mods = on;
delete from pg_shdepend where refobjid = 'cat_gone'::regrole;
drop role cat_gone;
reset allow_system_table_mods;
