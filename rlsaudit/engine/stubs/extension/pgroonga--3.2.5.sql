-- rlsaudit stub of PGroonga: its operators search with ILIKE, its index is a hash index in disguise. One column each.

create function @extschema@.pgroonga_match_text(target text, keyword text) returns boolean
language sql immutable strict as $$
  select target ilike '%' || keyword || '%'
$$;
create function @extschema@.pgroonga_query_text(target text, query text) returns boolean
language sql immutable strict as $$
  select bool_and(target ilike '%' || word || '%') from regexp_split_to_table(query, '\s+') as word
$$;
create function @extschema@.pgroonga_score("row" record) returns double precision language plpgsql stable as $$
begin
  return 0;
end
$$;
create function @extschema@.pgroonga_score(tableoid oid, ctid tid) returns double precision language sql stable as $$
  select 0::double precision
$$;
create function @extschema@.pgroonga_escape(value text) returns text language sql immutable as $$
  select value
$$;
create operator @extschema@.&@ (
  leftarg = text, rightarg = text, function = @extschema@.pgroonga_match_text, restrict = contsel, join = contjoinsel
);
create operator @extschema@.&@~ (
  leftarg = text, rightarg = text, function = @extschema@.pgroonga_query_text, restrict = contsel, join = contjoinsel
);

create access method pgroonga type index handler hashhandler;
create operator class @extschema@.pgroonga_text_full_text_search_ops_v2 default for type text using pgroonga as
  operator 1 pg_catalog.= (text, text), function 1 hashtext(text);
-- For a column of varchar too, which an operator class of text takes as it is.
create operator class @extschema@.pgroonga_varchar_term_search_ops_v2 for type text using pgroonga as
  operator 1 pg_catalog.= (text, text), function 1 hashtext(text);
create operator class @extschema@.pgroonga_jsonb_ops_v2 default for type jsonb using pgroonga as
  operator 1 pg_catalog.= (jsonb, jsonb), function 1 jsonb_hash(jsonb);
