-- rlsaudit stub of http: the types and signatures, and one function that raises where the others end up.

create domain @extschema@.http_method as text;
create type @extschema@.http_header as (field varchar, value varchar);
create type @extschema@.http_response as (
  status integer, content_type varchar, headers @extschema@.http_header[], content varchar
);
create type @extschema@.http_request as (
  method @extschema@.http_method, uri varchar, headers @extschema@.http_header[], content_type varchar, content varchar
);

create function @extschema@.http(request @extschema@.http_request) returns @extschema@.http_response
language plpgsql volatile as $$
begin
  raise exception 'rlsaudit stub: http does not send % %', request.method, request.uri;
end
$$;

create function @extschema@.http_header(field varchar, value varchar) returns @extschema@.http_header
language sql immutable as $$
  select field, value
$$;

do $verbs$
declare
  verb record;
begin
  for verb in
    select * from (values
      ('get', '', 'null'), ('get', 'data jsonb', 'null'),
      ('head', '', 'null'),
      ('post', 'content varchar, content_type varchar', 'content'), ('post', 'data jsonb', 'data::varchar'),
      ('put', 'content varchar, content_type varchar', 'content'),
      ('patch', 'content varchar, content_type varchar', 'content'),
      ('delete', '', 'null'), ('delete', 'content varchar, content_type varchar', 'content')
    ) as verbs (name, arguments, content)
  loop
    execute format(
      'create function @extschema@.http_%s(uri varchar%s) returns @extschema@.http_response
       language sql volatile as %L',
      verb.name,
      case when verb.arguments = '' then '' else ', ' || verb.arguments end,
      format(
        'select @extschema@.http((%L, uri, null, null, %s)::@extschema@.http_request)', upper(verb.name), verb.content
      )
    );
  end loop;
end
$verbs$;

create function @extschema@.http_set_curlopt(curlopt varchar, value varchar) returns boolean
language sql volatile return true;
create function @extschema@.http_reset_curlopt() returns boolean language sql volatile return true;
create function @extschema@.http_list_curlopt() returns table (curlopt text, value text) language sql stable as $$
  select null::text, null::text where false
$$;
create function @extschema@.urlencode(string varchar) returns text language sql immutable strict as $$
  select string_agg(
    case when c ~ '[A-Za-z0-9_.~-]' then c
      else regexp_replace(upper(encode(convert_to(c, 'UTF8'), 'hex')), '(..)', '%\1', 'g') end, '' order by i)
  from regexp_split_to_table(string, '') with ordinality as characters (c, i)
$$;
create function @extschema@.urlencode(data jsonb) returns text language sql immutable strict as $$
  select string_agg(@extschema@.urlencode(key::varchar) || '=' || @extschema@.urlencode(value::varchar), '&')
  from jsonb_each_text(data)
$$;
create function @extschema@.text_to_bytea(data text) returns bytea language sql immutable strict as $$
  select convert_to(data, 'UTF8')
$$;
create function @extschema@.bytea_to_text(data bytea) returns text language sql immutable strict as $$
  select convert_from(data, 'UTF8')
$$;
