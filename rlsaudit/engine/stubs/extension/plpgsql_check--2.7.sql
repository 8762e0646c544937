-- rlsaudit stub of plpgsql_check: nothing is checked, so nothing is found.

create function @extschema@.plpgsql_check_function(funcoid regprocedure, relid regclass default 0) returns setof text
language sql as $$
  select null::text where false
$$;
create function @extschema@.plpgsql_check_function(name text, relid regclass default 0) returns setof text
language sql as $$
  select null::text where false
$$;
