-- What is left: webhooks, GraphQL, and the extensions that every project starts with. Runs as supabase_admin.

create table supabase_functions.migrations (version text primary key, inserted_at timestamptz not null default now());

create table supabase_functions.hooks (
  id bigserial primary key,
  hook_table_id integer not null,
  hook_name text not null,
  created_at timestamptz not null default now(),
  request_id bigint
);

-- A webhook's trigger function. It calls nobody: what a trigger reports elsewhere changes no row here.
create function supabase_functions.http_request() returns trigger
language plpgsql security definer set search_path = supabase_functions as $$
begin
  return new;
end
$$;

grant all on all tables in schema supabase_functions to postgres, anon, authenticated, service_role;
grant all on all sequences in schema supabase_functions to postgres, anon, authenticated, service_role;
alter function supabase_functions.http_request() owner to supabase_functions_admin;
revoke all on function supabase_functions.http_request() from public;
grant execute on function supabase_functions.http_request() to postgres, anon, authenticated, service_role;

-- What stands there while pg_graphql is not enabled, as it is not in new projects since May 2026.
create function graphql_public.graphql(
  "operationName" text default null, query text default null,
  variables jsonb default null, extensions jsonb default null
) returns jsonb language plpgsql as $$
begin
  return jsonb_build_object(
    'errors', jsonb_build_array(jsonb_build_object('message', 'rlsaudit stub: pg_graphql is not enabled'))
  );
end
$$;

-- Migrations use them without creating them. Where a server has neither the extension nor a stub, they fail by
-- themselves.
do $extensions$
declare
  name text;
begin
  for name in
    select e.name from pg_catalog.pg_available_extensions as e
    where e.name in ('uuid-ossp', 'pgcrypto', 'pg_stat_statements') order by e.name
  loop
    execute format('create extension if not exists %I with schema extensions', name);
  end loop;
end
$extensions$;
