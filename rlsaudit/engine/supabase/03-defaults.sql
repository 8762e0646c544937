-- Default privileges, era legacy. ALL on tables includes MAINTAIN on the versions that have it. Runs as supabase_admin.
-- A creator that appears among its own grantees is part of the stored ACL, as in a real project.

do $defaults$
declare
  api constant text := 'anon, authenticated, service_role';
  rule record;
  kind text;
begin
  for rule in
    select * from (values
      ('postgres',            'public',         'postgres, ' || api,         ''),
      ('postgres',            'storage',        'postgres, ' || api,         ''),
      ('supabase_admin',      'public',         'postgres, ' || api,         ''),
      ('supabase_admin',      'graphql',        'postgres, ' || api,         ''),
      ('supabase_admin',      'graphql_public', 'postgres, ' || api,         ''),
      ('supabase_admin',      'extensions',     'postgres',                  'with grant option'),
      ('supabase_admin',      'realtime',       'postgres, dashboard_user',  ''),
      ('supabase_auth_admin', 'auth',           'postgres, dashboard_user',  '')
    ) as rules (creator, schema, grantees, option)
  loop
    foreach kind in array array['tables', 'functions', 'sequences'] loop
      execute format(
        'alter default privileges for role %I in schema %I grant all on %s to %s %s',
        rule.creator, rule.schema, kind, rule.grantees, rule.option
      );
    end loop;
  end loop;
end
$defaults$;
