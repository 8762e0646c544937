-- The roles of a Supabase project. They belong to the cluster: a second database only brings them up to date.

-- Two bootstraps at once would race for the same rows; advisory locks are per database, a shared catalog is not.
lock table pg_catalog.pg_authid in share row exclusive mode;

do $roles$
declare
  wanted record;
begin
  for wanted in
    select * from (values
      ('supabase_admin',             'superuser createrole createdb login replication bypassrls inherit'),
      ('postgres',                   'nosuperuser createrole createdb login replication bypassrls inherit'),
      ('anon',                       'nosuperuser nocreaterole nocreatedb nologin noreplication nobypassrls inherit'),
      ('authenticated',              'nosuperuser nocreaterole nocreatedb nologin noreplication nobypassrls inherit'),
      ('service_role',               'nosuperuser nocreaterole nocreatedb nologin noreplication bypassrls inherit'),
      ('authenticator',              'nosuperuser nocreaterole nocreatedb login noreplication nobypassrls noinherit'),
      ('dashboard_user',             'nosuperuser createrole createdb nologin replication nobypassrls inherit'),
      ('pgbouncer',                  'nosuperuser nocreaterole nocreatedb login noreplication nobypassrls inherit'),
      ('supabase_auth_admin',        'nosuperuser createrole nocreatedb login noreplication nobypassrls noinherit'),
      ('supabase_storage_admin',     'nosuperuser createrole nocreatedb login noreplication nobypassrls noinherit'),
      ('supabase_functions_admin',   'nosuperuser createrole nocreatedb login noreplication nobypassrls noinherit'),
      ('supabase_realtime_admin',    'nosuperuser nocreaterole nocreatedb nologin noreplication nobypassrls noinherit'),
      ('supabase_read_only_user',    'nosuperuser nocreaterole nocreatedb login noreplication bypassrls inherit'),
      ('supabase_replication_admin', 'nosuperuser nocreaterole nocreatedb login replication nobypassrls inherit'),
      ('supabase_etl_admin',         'nosuperuser nocreaterole nocreatedb login replication nobypassrls inherit')
    ) as role (name, attributes)
  loop
    execute format(
      '%s role %I with %s',
      case when to_regrole(wanted.name) is null then 'create' else 'alter' end, wanted.name, wanted.attributes
    );
  end loop;
end
$roles$;

alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set session_preload_libraries = 'safeupdate';
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';
alter role postgres set search_path = "$user", public, extensions;
alter role supabase_admin set search_path = "$user", public, auth, extensions;
alter role supabase_auth_admin set search_path = auth;
alter role supabase_auth_admin set idle_in_transaction_session_timeout = 60000;
alter role supabase_storage_admin set search_path = storage;

-- After the attributes: from 16 on, a membership remembers whether its member inherited at the time of the grant.
grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role to postgres;
grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;
grant pg_read_all_data to supabase_read_only_user;
grant anon, authenticated, service_role to supabase_realtime_admin;
grant authenticator to supabase_storage_admin;

do $admin$
begin
  -- CREATEROLE alone stopped being enough to manage a role, so Supabase gives postgres the admin option from 16 on.
  if current_setting('server_version_num')::integer >= 160000 then
    grant anon, authenticated, service_role to postgres with admin option;
  end if;
end
$admin$;
