-- Schemas, their owners and their ACLs. Runs as supabase_admin.

-- `postgres` owns the database, and through pg_database_owner the schema public: so it may create there.
do $database$
begin
  execute format('alter database %I owner to postgres', current_database());
end
$database$;

alter schema public owner to pg_database_owner;
-- What initdb does from 15 on.
revoke create on schema public from public;
grant usage on schema public to postgres, anon, authenticated, service_role;

create schema auth;
grant usage on schema auth to anon, authenticated, service_role, postgres;
grant all on schema auth to supabase_auth_admin, dashboard_user;

create schema extensions authorization postgres;
grant usage on schema extensions to anon, authenticated, service_role;
grant all on schema extensions to dashboard_user;

create schema graphql;
grant usage on schema graphql to anon, authenticated, service_role;
grant usage on schema graphql to postgres with grant option;

create schema graphql_public;
grant usage on schema graphql_public to anon, authenticated, service_role;
grant usage on schema graphql_public to postgres with grant option;

create schema realtime;
grant usage on schema realtime to anon, authenticated, service_role;
grant usage on schema realtime to postgres with grant option;
grant all on schema realtime to supabase_realtime_admin with grant option;

create schema storage;
grant usage on schema storage to anon, authenticated, service_role;
grant usage on schema storage to postgres with grant option;
grant all on schema storage to supabase_storage_admin, dashboard_user;

create schema supabase_functions;
grant usage on schema supabase_functions to postgres, anon, authenticated, service_role;

create schema supabase_migrations authorization postgres;
-- The command line keeps its books there: what migrations there were.
create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
alter table supabase_migrations.schema_migrations owner to postgres;

create schema vault;
grant usage on schema vault to postgres, service_role;
