-- rlsaudit stub of wrappers. A migration can make its wrapper, server and foreign tables of these handlers. A scan
-- fails: the handler is an index's, and Postgres says that it "did not return an FdwRoutine struct".

do $wrappers$
declare
  name text;
begin
  foreach name in array array[
    'airtable', 'auth0', 'big_query', 'click_house', 'cognito', 'duckdb', 'firebase', 'hello_world', 'iceberg',
    'logflare', 'mssql', 'redis', 's3', 's3_vectors', 'stripe', 'wasm'
  ] loop
    execute format(
      'create function %I() returns fdw_handler language internal strict as %L', name || '_fdw_handler', 'hashhandler'
    );
    execute format(
      'create function %I(options text[], catalog oid) returns void language plpgsql as %L',
      name || '_fdw_validator', 'begin end'
    );
  end loop;
end
$wrappers$;
create table @extschema@.wrappers_fdw_stats (
  fdw_name text primary key,
  create_times bigint,
  rows_in bigint,
  rows_out bigint,
  bytes_in bigint,
  bytes_out bigint,
  metadata jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
