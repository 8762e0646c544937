-- rlsaudit stub of pgcrypto. Hashes come from Postgres itself; ciphers raise, because a fake one would only look safe.

create function digest(bytea, text) returns bytea language plpgsql immutable strict parallel safe as $$
begin
  case lower($2)
    when 'md5' then return decode(md5($1), 'hex');
    when 'sha224' then return sha224($1);
    when 'sha256' then return sha256($1);
    when 'sha384' then return sha384($1);
    when 'sha512' then return sha512($1);
    else raise exception 'rlsaudit stub: digest does not know %', $2;
  end case;
end
$$;
create function digest(text, text) returns bytea language sql immutable strict parallel safe
  return digest(convert_to($1, 'UTF8'), $2);

-- A keyed hash that is stable; it is not HMAC.
create function hmac(bytea, bytea, text) returns bytea language sql immutable strict parallel safe
  return digest($2 || digest($2 || $1, $3), $3);
create function hmac(text, text, text) returns bytea language sql immutable strict parallel safe
  return hmac(convert_to($1, 'UTF8'), convert_to($2, 'UTF8'), $3);

create function gen_random_bytes(integer) returns bytea language sql volatile strict parallel safe
  return (
    select substr(string_agg(uuid_send(gen_random_uuid()), ''), 1, $1) from generate_series(1, $1 / 16 + 1)
  );
create function gen_random_uuid() returns uuid language sql volatile strict parallel safe
  return pg_catalog.gen_random_uuid();

-- crypt(password, stored) = stored holds, as sign-in code expects: the salt is the first 22 characters.
create function gen_salt(text) returns text language sql volatile strict parallel safe
  return '$stub$' || left(replace(pg_catalog.gen_random_uuid()::text, '-', ''), 16);
create function gen_salt(text, integer) returns text language sql volatile strict parallel safe return gen_salt($1);
create function crypt(text, text) returns text language sql immutable strict parallel safe
  return left($2, 22) || encode(sha256(convert_to(left($2, 22) || $1, 'UTF8')), 'hex');

do $ciphers$
declare
  signature text;
begin
  foreach signature in array array[
    'encrypt(bytea, bytea, text) returns bytea',
    'decrypt(bytea, bytea, text) returns bytea',
    'encrypt_iv(bytea, bytea, bytea, text) returns bytea',
    'decrypt_iv(bytea, bytea, bytea, text) returns bytea',
    'pgp_sym_encrypt(text, text) returns bytea',
    'pgp_sym_encrypt(text, text, text) returns bytea',
    'pgp_sym_decrypt(bytea, text) returns text',
    'pgp_sym_decrypt(bytea, text, text) returns text',
    'pgp_sym_encrypt_bytea(bytea, text) returns bytea',
    'pgp_sym_encrypt_bytea(bytea, text, text) returns bytea',
    'pgp_sym_decrypt_bytea(bytea, text) returns bytea',
    'pgp_sym_decrypt_bytea(bytea, text, text) returns bytea',
    'pgp_pub_encrypt(text, bytea) returns bytea',
    'pgp_pub_decrypt(bytea, bytea) returns text',
    'pgp_pub_decrypt(bytea, bytea, text) returns text',
    'armor(bytea) returns text',
    'dearmor(text) returns bytea'
  ] loop
    execute format(
      'create function %s language plpgsql volatile strict as %L',
      signature,
      format('begin raise exception %L; end', 'rlsaudit stub: pgcrypto has no ' || split_part(signature, '(', 1))
    );
  end loop;
end
$ciphers$;
