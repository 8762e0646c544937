-- rlsaudit stub of hypopg: no index is ever imagined.

create function hypopg_create_index(sql_order text, out indexrelid oid, out indexname text) returns setof record
language plpgsql as $$
begin
  raise exception 'rlsaudit stub: hypopg imagines no index';
end
$$;
create function hypopg_drop_index(indexid oid) returns boolean language sql return false;
create function hypopg_reset() returns void language sql as $$
  select null::void where false
$$;
create view hypopg_list_indexes as
  select null::oid as indexrelid, null::text as index_name, null::name as schema_name, null::name as table_name,
    null::name as am_name
  where false;
