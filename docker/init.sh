#!/usr/bin/env bash
# Makes the database of compose.yaml: a new Supabase project of the legacy era, then the demo app.
# The same as `rlsaudit.engine.supabase.bootstrap` and `rlsaudit.demo.load`, for an image that has no Python.
set -euo pipefail

root=${RLSAUDIT_SQL:-/opt/rlsaudit}

as() { echo "set local role $1;"; cat "${@:2}"; echo "set local role none;"; }

statements() {
  cd "$root/supabase"
  echo "set local search_path = '';"
  cat 01-roles.sql
  as supabase_admin 02-schemas.sql 03-defaults.sql
  as supabase_auth_admin 04-auth.sql
  as supabase_storage_admin 05-storage.sql
  as supabase_admin 06-realtime.sql 07-vault.sql 08-services.sql

  # While migrations run, postgres has the admin roles of the services.
  echo "grant supabase_auth_admin, supabase_storage_admin to postgres;"
  as postgres "$root/demo/schema.sql"
  cat "$root/demo/seed.sql"
  echo "revoke supabase_auth_admin, supabase_storage_admin from postgres;"

  # postgres is what one connects to a Supabase project as.
  echo "alter role postgres password :'password';"
}

statements | psql --no-psqlrc --quiet --output /dev/null --single-transaction --set ON_ERROR_STOP=1 \
  --set password="$POSTGRES_PASSWORD" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB"
