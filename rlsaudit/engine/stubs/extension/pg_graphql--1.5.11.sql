-- rlsaudit stub of pg_graphql: the functions are there, and every query is answered with an error.

create sequence graphql.seq_schema_version as integer cycle;

create function graphql._internal_resolve(
  query text, variables jsonb default '{}', "operationName" text default null, extensions jsonb default null
) returns jsonb language sql volatile
  return '{"errors": [{"message": "rlsaudit stub: pg_graphql resolves nothing"}]}'::jsonb;
create function graphql.resolve(
  query text, variables jsonb default '{}', "operationName" text default null, extensions jsonb default null
) returns jsonb language sql volatile return graphql._internal_resolve(query, variables, "operationName", extensions);
create function graphql.comment_directive(comment_ text) returns jsonb language sql immutable return '{}'::jsonb;
create function graphql.exception(message text) returns text language plpgsql as $$
begin
  raise exception using errcode = '22000', message = message;
end
$$;
create function graphql.get_schema_version() returns integer language sql stable return 1;
create function graphql.increment_schema_version() returns event_trigger language plpgsql as $$
begin
end
$$;
