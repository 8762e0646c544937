-- rlsaudit stub of uuid-ossp: SQL of our own in place of the library.

create function uuid_nil() returns uuid language sql immutable strict parallel safe
  return '00000000-0000-0000-0000-000000000000'::uuid;
create function uuid_ns_dns() returns uuid language sql immutable strict parallel safe
  return '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid;
create function uuid_ns_url() returns uuid language sql immutable strict parallel safe
  return '6ba7b811-9dad-11d1-80b4-00c04fd430c8'::uuid;
create function uuid_ns_oid() returns uuid language sql immutable strict parallel safe
  return '6ba7b812-9dad-11d1-80b4-00c04fd430c8'::uuid;
create function uuid_ns_x500() returns uuid language sql immutable strict parallel safe
  return '6ba7b814-9dad-11d1-80b4-00c04fd430c8'::uuid;

-- Nobody reads the time or the machine out of a version 1 here: they only have to differ.
create function uuid_generate_v1() returns uuid language sql volatile strict parallel safe return gen_random_uuid();
create function uuid_generate_v1mc() returns uuid language sql volatile strict parallel safe return gen_random_uuid();
create function uuid_generate_v4() returns uuid language sql volatile strict parallel safe return gen_random_uuid();

create function uuid_generate_v3(namespace uuid, name text) returns uuid language sql immutable strict parallel safe
  return overlay(
    overlay(md5(uuid_send(namespace) || convert_to(name, 'UTF8')) placing '3' from 13)
    placing substr('89ab', (('x' || substr(md5(uuid_send(namespace) || convert_to(name, 'UTF8')), 17, 1))::bit(4)
      & b'0011')::integer + 1, 1)
    from 17
  )::uuid;

-- Postgres has no SHA-1 of its own, so the values are stable but not the standard's.
create function uuid_generate_v5(namespace uuid, name text) returns uuid language sql immutable strict parallel safe
  return overlay(
    overlay(
      left(encode(sha256(uuid_send(namespace) || convert_to(name, 'UTF8')), 'hex'), 32) placing '5' from 13
    ) placing 'a' from 17
  )::uuid;
