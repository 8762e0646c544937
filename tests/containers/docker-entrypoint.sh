#!/bin/bash
# What the entry point of Postgres's official image does, as far as the engine and docker/init.sh ask for it.
set -euo pipefail

if [[ ${1:-} == -* ]]; then set -- postgres "$@"; fi
[[ ${1:-} == postgres ]] || exec "$@"

if [[ $(id -u) == 0 ]]; then
  mkdir -p "$PGDATA"
  chown -R postgres "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --clear-groups "$0" "$@"
fi

if [[ ! -s $PGDATA/PG_VERSION ]]; then
  : "${POSTGRES_PASSWORD:?has to be given}"
  export POSTGRES_USER="${POSTGRES_USER:-postgres}"
  export POSTGRES_DB="${POSTGRES_DB:-$POSTGRES_USER}"
  initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") --encoding=UTF8 --locale=C --no-sync
  printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"

  # As the official image: a server for the setup, which does not listen on TCP yet.
  pg_ctl --wait --options="$(printf '%q ' "${@:2}" -c listen_addresses=)" start
  if [[ $POSTGRES_DB != postgres ]]; then
    psql --no-psqlrc --username "$POSTGRES_USER" --dbname postgres --set name="$POSTGRES_DB" \
      <<<'create database :"name";'
  fi
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh) if [[ -x $file ]]; then "$file"; else . "$file"; fi ;;
      *.sql) psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --file "$file" ;;
    esac
  done
  pg_ctl --wait --mode=fast stop
fi

exec "$@" -c listen_addresses='*'
