-- rlsaudit stub of pgjwt: HMAC over Postgres's own SHA-2, without pgcrypto.

create function @extschema@.url_encode(data bytea) returns text language sql immutable as $$
  select rtrim(translate(encode(data, 'base64'), E'+/\n', '-_'), '=')
$$;
create function @extschema@.url_decode(data text) returns bytea language sql immutable as $$
  select decode(rpad(translate(data, '-_', '+/'), (length(data) + 3) / 4 * 4, '='), 'base64')
$$;
create function @extschema@.try_cast_double(inp text) returns double precision language plpgsql immutable as $$
begin
  return inp::double precision;
exception
  when others then return null;
end
$$;

create function @extschema@.algorithm_sign(signables text, secret text, algorithm text) returns text
language plpgsql immutable as $$
declare
  size constant integer := case when algorithm = 'HS256' then 64 else 128 end;
  key bytea := convert_to(secret, 'UTF8');
  inner_pad bytea := decode(repeat('36', size), 'hex');
  outer_pad bytea := decode(repeat('5c', size), 'hex');
  message constant bytea := convert_to(signables, 'UTF8');
begin
  if algorithm not in ('HS256', 'HS384', 'HS512') then
    raise exception 'rlsaudit stub: pgjwt does not know %', algorithm;
  end if;
  if length(key) > size then
    key := case algorithm when 'HS256' then sha256(key) when 'HS384' then sha384(key) else sha512(key) end;
  end if;
  for i in 0 .. length(key) - 1 loop
    inner_pad := set_byte(inner_pad, i, get_byte(inner_pad, i) # get_byte(key, i));
    outer_pad := set_byte(outer_pad, i, get_byte(outer_pad, i) # get_byte(key, i));
  end loop;
  return @extschema@.url_encode(case algorithm
    when 'HS256' then sha256(outer_pad || sha256(inner_pad || message))
    when 'HS384' then sha384(outer_pad || sha384(inner_pad || message))
    else sha512(outer_pad || sha512(inner_pad || message))
  end);
end
$$;

create function @extschema@.sign(payload json, secret text, algorithm text default 'HS256') returns text
language sql immutable as $$
  with signables (data) as (
    select @extschema@.url_encode(convert_to(format('{"alg":"%s","typ":"JWT"}', algorithm), 'UTF8'))
      || '.' || @extschema@.url_encode(convert_to(payload::text, 'UTF8'))
  )
  select data || '.' || @extschema@.algorithm_sign(data, secret, algorithm) from signables
$$;

create function @extschema@.verify(token text, secret text, algorithm text default 'HS256')
returns table (header json, payload json, valid boolean) language sql immutable as $$
  select
    convert_from(@extschema@.url_decode(split_part(token, '.', 1)), 'UTF8')::json,
    claims.value,
    split_part(token, '.', 3) = @extschema@.algorithm_sign(
      split_part(token, '.', 1) || '.' || split_part(token, '.', 2), secret, algorithm
    )
    and now() >= to_timestamp(coalesce(@extschema@.try_cast_double(claims.value ->> 'nbf'), 0))
    and now() < to_timestamp(coalesce(@extschema@.try_cast_double(claims.value ->> 'exp'), 'infinity'))
  from (select convert_from(@extschema@.url_decode(split_part(token, '.', 2)), 'UTF8')::json as value) as claims
$$;
