-- Policies for roles that somebody is a member of, with and without their privileges, and for those who own.
create role oracle_reader nologin;
create role oracle_boss nologin bypassrls;
create role oracle_owner nologin;
create role oracle_all nologin;
create role oracle_plain login;
create role oracle_member login in role oracle_reader;
create role oracle_apart login noinherit in role oracle_reader;
create role oracle_bypass login in role oracle_boss;
create role oracle_maker login in role oracle_owner;
create role oracle_maker_apart login noinherit in role oracle_owner;
create role oracle_sees login;
grant pg_read_all_data to oracle_sees;
create role oracle_writes login;
grant pg_write_all_data to oracle_writes;
create role oracle_far login;
grant oracle_member to oracle_far;
create schema app;
grant usage on schema app to public;
create table app.to_group (id uuid primary key, user_id uuid, mark text, whose text, n int);
create table app.to_public (like app.to_group including all);
create table app.to_member (like app.to_group including all);
create table app.to_owner (like app.to_group including all);
create table app.forced (like app.to_group including all);
create table app.unforced (like app.to_group including all);
create table app.by_name (like app.to_group including all);
create table app.by_session (like app.to_group including all);
create table app.by_member (like app.to_group including all);
create table app.restr_group (like app.to_group including all);
create table app.restr_member (like app.to_group including all);
create table app.no_rls (like app.to_group including all);
create table app.granted_group (like app.to_group including all);
create table app.granted_nobody (like app.to_group including all);
create table app.no_policy (like app.to_group including all);
create table app.to_boss (like app.to_group including all);
create table app.to_read_all (like app.to_group including all);
do $$ declare t text; begin
  foreach t in array array['to_group','to_public','to_member','to_owner','forced','unforced','by_name','by_session','by_member','restr_group','restr_member','granted_group','granted_nobody','no_policy','to_boss','to_read_all'] loop
    execute format('alter table app.%I enable row level security', t);
    if t !~ '^granted' then execute format('grant all on app.%I to public', t); end if;
  end loop;
end $$;
grant all on app.granted_group to oracle_reader;
create policy p on app.granted_group using (true);
create policy p on app.granted_nobody using (true);
create policy p on app.to_group to oracle_reader using (true);
create policy p on app.to_public to public using (n = 1);
create policy p on app.to_member to oracle_member, oracle_apart using (n = 1);
create policy p on app.to_owner to oracle_owner using (n = 1);
create policy p on app.forced using (n = 1);
alter table app.forced owner to oracle_owner; alter table app.forced force row level security;
create policy p on app.unforced using (n = 1);
alter table app.unforced owner to oracle_maker;
create policy p on app.by_name using (whose = current_user);
create policy p on app.by_session using (whose = session_user);
create policy p on app.by_member using (pg_has_role(whose, 'member'));
create policy p on app.restr_group using (true);
create policy r on app.restr_group as restrictive to oracle_reader using (n = 1);
create policy p on app.restr_member using (true);
create policy r on app.restr_member as restrictive to oracle_member using (n = 1);
create policy p on app.to_boss to oracle_boss using (n = 2);
create policy p on app.to_read_all to pg_read_all_data using (n = 2);
-- @seed
insert into app.to_group select ('00000000-0000-4000-8000-0000000000' || to_char(row_number() over (), 'FM00'))::uuid, null, format('[%s%s]', r.rolname, n), r.rolname, n
  from pg_roles r, generate_series(1, 2) n where r.rolname like 'oracle\_%';
insert into app.to_public select id, null, mark || 'a', whose, n from app.to_group;
insert into app.to_member select id, null, mark || 'b', whose, n from app.to_group;
insert into app.to_owner select id, null, mark || 'c', whose, n from app.to_group;
insert into app.forced select id, null, mark || 'd', whose, n from app.to_group;
insert into app.unforced select id, null, mark || 'e', whose, n from app.to_group;
insert into app.by_name select id, null, mark || 'f', whose, n from app.to_group;
insert into app.by_session select id, null, mark || 'g', whose, n from app.to_group;
insert into app.by_member select id, null, mark || 'h', whose, n from app.to_group;
insert into app.restr_group select id, null, mark || 'i', whose, n from app.to_group;
insert into app.restr_member select id, null, mark || 'j', whose, n from app.to_group;
insert into app.no_rls select id, null, mark || 'k', whose, n from app.to_group;
insert into app.granted_group select id, null, mark || 'l', whose, n from app.to_group;
insert into app.granted_nobody select id, null, mark || 'm', whose, n from app.to_group;
insert into app.no_policy select id, null, mark || 'n', whose, n from app.to_group;
insert into app.to_boss select id, null, mark || 'o', whose, n from app.to_group;
insert into app.to_read_all select id, null, mark || 'p', whose, n from app.to_group;
-- @personas
oracle_plain oracle_plain
oracle_member oracle_member
oracle_apart oracle_apart
oracle_reader oracle_apart
oracle_bypass oracle_bypass
oracle_boss oracle_bypass
oracle_maker oracle_maker
oracle_maker_apart oracle_maker_apart
oracle_owner oracle_maker_apart
oracle_sees oracle_sees
oracle_writes oracle_writes
oracle_far oracle_far
