-- rlsaudit stub of pg_jsonschema. Everything is valid: a CHECK that calls it stops nothing here, so a write that only
-- the schema of a document would refuse counts as allowed.

create function @extschema@.json_matches_schema(schema json, instance json) returns boolean
language sql immutable strict return true;
create function @extschema@.jsonb_matches_schema(schema json, instance jsonb) returns boolean
language sql immutable strict return true;
create function @extschema@.jsonschema_is_valid(schema json) returns boolean language sql immutable strict return true;
create function @extschema@.jsonschema_validation_errors(schema json, instance json) returns text[]
language sql immutable strict return '{}'::text[];
