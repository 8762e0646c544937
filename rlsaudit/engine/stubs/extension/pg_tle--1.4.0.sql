-- rlsaudit stub of pg_tle: what would install an extension from text raises.

create function pgtle.install_extension(
  name text, version text, description text, ext text, requires text[] default null
) returns boolean language plpgsql as $$
begin
  raise exception 'rlsaudit stub: pg_tle does not install %', name;
end
$$;
create function pgtle.install_update_path(name text, fromvers text, tovers text, ext text) returns boolean
language plpgsql as $$
begin
  raise exception 'rlsaudit stub: pg_tle does not install %', name;
end
$$;
create function pgtle.uninstall_extension(extname text) returns boolean language sql return false;
create function pgtle.uninstall_extension(extname text, version text) returns boolean language sql return false;
create function pgtle.uninstall_extension_if_exists(extname text) returns boolean language sql return false;
create function pgtle.set_default_version(name text, version text) returns boolean language sql return false;
create function pgtle.available_extensions() returns table (name name, default_version text, comment text)
language sql as $$
  select null::name, null::text, null::text where false
$$;
