-- rlsaudit stub of pgsodium: a table of keys, and functions that raise instead of encrypting.

create type pgsodium.key_status as enum ('default', 'valid', 'invalid', 'expired');
create type pgsodium.key_type as enum (
  'aead-ietf', 'aead-det', 'hmacsha512', 'hmacsha256', 'auth', 'shorthash', 'generichash', 'kdf', 'secretbox',
  'secretstream', 'stream_xchacha20'
);
create table pgsodium.key (
  id uuid primary key default gen_random_uuid(),
  status pgsodium.key_status default 'valid',
  created timestamptz not null default now(),
  expires timestamptz,
  key_type pgsodium.key_type,
  key_id bigserial,
  key_context bytea default '\x7067736f6469756d',
  name text unique,
  associated_data text default 'associated',
  raw_key bytea,
  raw_key_nonce bytea,
  parent_key uuid references pgsodium.key,
  comment text,
  user_data text
);
create view pgsodium.valid_key as
  select id, name, status, key_type, key_id, key_context, created, expires, associated_data
  from pgsodium.key where status in ('valid', 'default') and (expires is null or expires > now());

create function pgsodium.create_key(
  key_type pgsodium.key_type default 'aead-det', name text default null, raw_key bytea default null,
  raw_key_nonce bytea default null, parent_key uuid default null, key_context bytea default '\x7067736f6469756d',
  expires timestamptz default null, associated_data text default ''
) returns pgsodium.valid_key language sql security definer set search_path = '' as $$
  insert into pgsodium.key (key_type, name, expires, associated_data) values ($1, $2, $7, $8)
  returning id, name, status, key_type, key_id, key_context, created, expires, associated_data
$$;
create function pgsodium.crypto_aead_det_noncegen() returns bytea language sql volatile
  return uuid_send(gen_random_uuid());
create function pgsodium.randombytes_random() returns integer language sql volatile
  return (random() * 2147483647)::integer;

do $ciphers$
declare
  name text;
begin
  foreach name in array array['crypto_aead_det_encrypt', 'crypto_aead_det_decrypt'] loop
    execute format(
      'create function pgsodium.%I(message bytea, additional bytea, key_uuid uuid, nonce bytea default null)
       returns bytea language plpgsql as %L',
      name, format('begin raise exception %L; end', 'rlsaudit stub: pgsodium has no ' || name)
    );
  end loop;
end
$ciphers$;

revoke all on all functions in schema pgsodium from public;
do $supabase$
begin
  if to_regrole('postgres') is not null then
    grant usage on schema pgsodium to postgres;
    grant all on all functions in schema pgsodium to postgres;
    grant select on pgsodium.valid_key to postgres;
  end if;
end
$supabase$;
