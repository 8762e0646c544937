create function pg_temp.rows_reached(settings jsonb, statement text) returns bigint language plpgsql as $helper$
begin
  perform pg_catalog.set_config(made.key, made.value, true) from pg_catalog.jsonb_each_text(settings) as made;
  execute statement;
  declare
    reached bigint;
  begin
    get diagnostics reached = row_count;
    -- Whatever the statement did is taken back with the role that did it.
    raise exception using errcode = 'RLSA1', message = reached::text;
  end;
exception
  when sqlstate 'RLSA1' then
    return sqlerrm::bigint;
  when insufficient_privilege or raise_exception then
    -- Refused by a grant, by a policy, or by what the project itself raises.
    return 0;
  when object_not_in_prerequisite_state or feature_not_supported or invalid_object_definition then
    -- A view that nobody can write, a policy that asks for itself.
    return 0;
  when integrity_constraint_violation then
    -- Constraints are asked when row-level security has let the row pass.
    return 1;
end $helper$;
