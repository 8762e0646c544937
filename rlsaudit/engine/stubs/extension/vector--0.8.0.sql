-- rlsaudit stub of pgvector. A vector is the text that was written; distances are computed from it, exactly and slowly.
-- The number of dimensions is remembered and not enforced.

do $types$
declare
  name text;
begin
  foreach name in array array['vector', 'halfvec', 'sparsevec'] loop
    execute format('create type %I', name);
    execute format(
      'create function %I(cstring, oid, integer) returns %I language internal immutable strict parallel safe as %L',
      name || '_in', name, 'textin'
    );
    execute format(
      'create function %I(%I) returns cstring language internal immutable strict parallel safe as %L',
      name || '_out', name, 'textout'
    );
    -- Any function of Postgres's own that reads one number out of the parentheses, and one that writes it back.
    execute format(
      'create function %I(cstring[]) returns integer language internal immutable strict parallel safe as %L',
      name || '_typmod_in', 'varchartypmodin'
    );
    execute format(
      'create function %I(integer) returns cstring language internal immutable strict parallel safe as %L',
      name || '_typmod_out', 'varchartypmodout'
    );
    execute format(
      'create type %1$I (input = %2$I, output = %3$I, typmod_in = %4$I, typmod_out = %5$I, storage = external)',
      name, name || '_in', name || '_out', name || '_typmod_in', name || '_typmod_out'
    );
  end loop;
end
$types$;

create function vector_to_float8(vector) returns double precision[] language sql immutable strict parallel safe
  return ('{' || btrim($1::text, '[] ') || '}')::double precision[];
create function vector_to_float4(vector, integer, boolean) returns real[] language sql immutable strict parallel safe
  return ('{' || btrim($1::text, '[] ') || '}')::real[];
create function halfvec_to_vector(halfvec, integer, boolean) returns vector language sql immutable strict parallel safe
  return $1::text::vector;
create function vector_to_halfvec(vector, integer, boolean) returns halfvec language sql immutable strict parallel safe
  return $1::text::halfvec;
create function array_to_vector(real[], integer, boolean) returns vector language sql immutable strict parallel safe
  return translate($1::text, '{}', '[]')::vector;
create function array_to_vector(double precision[], integer, boolean) returns vector
language sql immutable strict parallel safe return translate($1::text, '{}', '[]')::vector;
create function array_to_vector(integer[], integer, boolean) returns vector
language sql immutable strict parallel safe return translate($1::text, '{}', '[]')::vector;
create function array_to_vector(numeric[], integer, boolean) returns vector
language sql immutable strict parallel safe return translate($1::text, '{}', '[]')::vector;

create cast (vector as real[]) with function vector_to_float4(vector, integer, boolean) as implicit;
create cast (real[] as vector) with function array_to_vector(real[], integer, boolean) as assignment;
create cast (double precision[] as vector)
  with function array_to_vector(double precision[], integer, boolean) as assignment;
create cast (integer[] as vector) with function array_to_vector(integer[], integer, boolean) as assignment;
create cast (numeric[] as vector) with function array_to_vector(numeric[], integer, boolean) as assignment;
create cast (vector as halfvec) with function vector_to_halfvec(vector, integer, boolean) as assignment;
create cast (halfvec as vector) with function halfvec_to_vector(halfvec, integer, boolean) as implicit;

create function l2_distance(vector, vector) returns double precision language sql immutable strict parallel safe
  return (
    select sqrt(sum((a - b) * (a - b))) from unnest(vector_to_float8($1), vector_to_float8($2)) as pair (a, b)
  );
create function l1_distance(vector, vector) returns double precision language sql immutable strict parallel safe
  return (select sum(abs(a - b)) from unnest(vector_to_float8($1), vector_to_float8($2)) as pair (a, b));
create function inner_product(vector, vector) returns double precision language sql immutable strict parallel safe
  return (select sum(a * b) from unnest(vector_to_float8($1), vector_to_float8($2)) as pair (a, b));
create function vector_negative_inner_product(vector, vector) returns double precision
language sql immutable strict parallel safe return - inner_product($1, $2);
create function vector_norm(vector) returns double precision language sql immutable strict parallel safe
  return sqrt(inner_product($1, $1));
create function cosine_distance(vector, vector) returns double precision language sql immutable strict parallel safe
  return 1 - inner_product($1, $2) / nullif(vector_norm($1) * vector_norm($2), 0);
create function vector_dims(vector) returns integer language sql immutable strict parallel safe
  return cardinality(vector_to_float8($1));
create function l2_normalize(vector) returns vector language sql immutable strict parallel safe
  return array(
    select a / nullif(vector_norm($1), 0) from unnest(vector_to_float8($1)) with ordinality as e (a, i) order by i
  )::vector;
create function subvector(vector, integer, integer) returns vector language sql immutable strict parallel safe
  return (vector_to_float8($1))[$2 : $2 + $3 - 1]::vector;

create function vector_add(vector, vector) returns vector language sql immutable strict parallel safe
  return array(
    select a + b from unnest(vector_to_float8($1), vector_to_float8($2)) with ordinality as pair (a, b, i) order by i
  )::vector;
create function vector_sub(vector, vector) returns vector language sql immutable strict parallel safe
  return array(
    select a - b from unnest(vector_to_float8($1), vector_to_float8($2)) with ordinality as pair (a, b, i) order by i
  )::vector;

create operator <-> (leftarg = vector, rightarg = vector, function = l2_distance, commutator = '<->');
create operator <#> (leftarg = vector, rightarg = vector, function = vector_negative_inner_product, commutator = '<#>');
create operator <=> (leftarg = vector, rightarg = vector, function = cosine_distance, commutator = '<=>');
create operator <+> (leftarg = vector, rightarg = vector, function = l1_distance, commutator = '<+>');
create operator + (leftarg = vector, rightarg = vector, function = vector_add, commutator = +);
create operator - (leftarg = vector, rightarg = vector, function = vector_sub);

create aggregate sum (vector) (sfunc = vector_add, stype = vector);
create function vector_mean(vector[]) returns vector language sql immutable strict parallel safe
  return array(
    select avg(a)
    from unnest($1) as each (v), unnest(vector_to_float8(each.v)) with ordinality as e (a, i) group by i order by i
  )::vector;
create aggregate avg (vector) (sfunc = array_append, stype = vector[], finalfunc = vector_mean);

create function halfvec_l2(halfvec, halfvec) returns double precision language sql immutable strict parallel safe
  return l2_distance($1::vector, $2::vector);
create function halfvec_ip(halfvec, halfvec) returns double precision language sql immutable strict parallel safe
  return vector_negative_inner_product($1::vector, $2::vector);
create function halfvec_cosine(halfvec, halfvec) returns double precision language sql immutable strict parallel safe
  return cosine_distance($1::vector, $2::vector);
create operator <-> (leftarg = halfvec, rightarg = halfvec, function = halfvec_l2, commutator = '<->');
create operator <#> (leftarg = halfvec, rightarg = halfvec, function = halfvec_ip, commutator = '<#>');
create operator <=> (leftarg = halfvec, rightarg = halfvec, function = halfvec_cosine, commutator = '<=>');

create function halfvec_l1(halfvec, halfvec) returns double precision language sql immutable strict parallel safe
  return l1_distance($1::vector, $2::vector);
create operator <+> (leftarg = halfvec, rightarg = halfvec, function = halfvec_l1, commutator = '<+>');
create function l2_norm(halfvec) returns double precision language sql immutable strict parallel safe
  return vector_norm($1::vector);
create function vector_dims(halfvec) returns integer language sql immutable strict parallel safe
  return vector_dims($1::vector);
create function l2_normalize(halfvec) returns halfvec language sql immutable strict parallel safe
  return l2_normalize($1::vector)::halfvec;
create function subvector(halfvec, integer, integer) returns halfvec language sql immutable strict parallel safe
  return subvector($1::vector, $2, $3)::halfvec;

-- A sparse vector is {position:value,...}/dimensions.
create function sparsevec_to_vector(sparsevec, integer, boolean) returns vector
language sql immutable strict parallel safe return array(
  select coalesce((
    select split_part(pair, ':', 2)::double precision
    from unnest(string_to_array(btrim(split_part($1::text, '/', 1), '{} '), ',')) as pair
    where split_part(pair, ':', 1)::integer = i
  ), 0)
  from generate_series(1, split_part($1::text, '/', 2)::integer) as i order by i
)::vector;
create function vector_to_sparsevec(vector, integer, boolean) returns sparsevec
language sql immutable strict parallel safe return (
  select format('{%s}/%s', string_agg(format('%s:%s', i, a), ',' order by i) filter (where a <> 0), count(*))::sparsevec
  from unnest(vector_to_float8($1)) with ordinality as e (a, i)
);
create cast (sparsevec as vector) with function sparsevec_to_vector(sparsevec, integer, boolean) as assignment;
create cast (vector as sparsevec) with function vector_to_sparsevec(vector, integer, boolean) as implicit;
create function sparsevec_l2(sparsevec, sparsevec) returns double precision
language sql immutable strict parallel safe return l2_distance($1::vector, $2::vector);
create function sparsevec_ip(sparsevec, sparsevec) returns double precision
language sql immutable strict parallel safe return vector_negative_inner_product($1::vector, $2::vector);
create function sparsevec_cosine(sparsevec, sparsevec) returns double precision
language sql immutable strict parallel safe return cosine_distance($1::vector, $2::vector);
create function sparsevec_l1(sparsevec, sparsevec) returns double precision
language sql immutable strict parallel safe return l1_distance($1::vector, $2::vector);
create operator <-> (leftarg = sparsevec, rightarg = sparsevec, function = sparsevec_l2, commutator = '<->');
create operator <#> (leftarg = sparsevec, rightarg = sparsevec, function = sparsevec_ip, commutator = '<#>');
create operator <=> (leftarg = sparsevec, rightarg = sparsevec, function = sparsevec_cosine, commutator = '<=>');
create operator <+> (leftarg = sparsevec, rightarg = sparsevec, function = sparsevec_l1, commutator = '<+>');

create function binary_quantize(vector) returns bit language sql immutable strict parallel safe
  return (
    select string_agg(case when a > 0 then '1' else '0' end, '' order by i)::varbit
    from unnest(vector_to_float8($1)) with ordinality as e (a, i)
  );
create function binary_quantize(halfvec) returns bit language sql immutable strict parallel safe
  return binary_quantize($1::vector);
create function hamming_distance(bit, bit) returns double precision language sql immutable strict parallel safe
  return length(replace(($1 # $2)::text, '0', ''));
create function jaccard_distance(bit, bit) returns double precision language sql immutable strict parallel safe
  return 1 - coalesce(
    length(replace(($1 & $2)::text, '0', ''))::double precision / nullif(length(replace(($1 | $2)::text, '0', '')), 0), 0
  );
create operator <~> (leftarg = bit, rightarg = bit, function = hamming_distance, commutator = '<~>');
create operator <%> (leftarg = bit, rightarg = bit, function = jaccard_distance, commutator = '<%>');
create function bit_hash(bit) returns integer language internal immutable strict parallel safe as 'hashvarlena';

-- An order, for DISTINCT, GROUP BY and ORDER BY, byte by byte: two spellings of the same vector differ. The functions
-- are those of bytea, because text's want a collation, which these types do not have.
do $order$
declare
  kind text;
  rule record;
begin
  foreach kind in array array['vector', 'halfvec', 'sparsevec'] loop
    for rule in
      select * from (values
        ('=', 'eq', '=', '<>', 'eqsel', 'eqjoinsel', ', hashes, merges'),
        ('<>', 'ne', '<>', '=', 'neqsel', 'neqjoinsel', ''),
        ('<', 'lt', '>', '>=', 'scalarltsel', 'scalarltjoinsel', ''),
        ('>', 'gt', '<', '<=', 'scalargtsel', 'scalargtjoinsel', ''),
        ('<=', 'le', '>=', '>', 'scalarlesel', 'scalarlejoinsel', ''),
        ('>=', 'ge', '<=', '<', 'scalargesel', 'scalargejoinsel', '')
      ) as rules (operator, name, commutator, negator, restrict, joins, options)
    loop
      execute format(
        'create function %1$I(%2$I, %2$I) returns boolean language internal immutable strict parallel safe as %3$L',
        kind || '_' || rule.name, kind, 'bytea' || rule.name
      );
      execute format(
        'create operator %s (leftarg = %I, rightarg = %2$I, function = %I, commutator = %s, negator = %s,
           restrict = %s, join = %s %s)',
        rule.operator, kind, kind || '_' || rule.name, rule.commutator, rule.negator,
        rule.restrict, rule.joins, rule.options
      );
    end loop;
    execute format(
      'create function %1$I(%2$I, %2$I) returns integer language internal immutable strict parallel safe as %3$L',
      kind || '_cmp', kind, 'byteacmp'
    );
    execute format(
      'create function %I(%I) returns integer language internal immutable strict parallel safe as %L',
      kind || '_hash', kind, 'hashvarlena'
    );
    execute format(
      'create operator class %I default for type %I using btree as
         operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >, function 1 %I(%2$I, %2$I)',
      kind || '_ops', kind, kind || '_cmp'
    );
    execute format(
      'create operator class %I default for type %I using hash as operator 1 =, function 1 %I(%2$I)',
      kind || '_hash_ops', kind, kind || '_hash'
    );
  end loop;
end
$order$;

-- The index methods are hash indexes in disguise: they can be made and kept up to date, and they rank nothing. Hash,
-- because it stores no value: a B-tree would refuse a long one. WITH (lists = 100) is refused, no built-in knows it, so a
-- replay leaves it out.
create access method hnsw type index handler hashhandler;
create access method ivfflat type index handler hashhandler;
do $classes$
declare
  method text;
  metric text;
  kind text;
begin
  foreach method in array array['hnsw', 'ivfflat'] loop
    foreach kind in array array['vector', 'halfvec', 'sparsevec'] loop
      foreach metric in array array['l2', 'ip', 'cosine', 'l1'] loop
        execute format(
          'create operator class %I %s for type %I using %I as operator 1 = (%3$I, %3$I), function 1 %5$I(%3$I)',
          kind || '_' || metric || '_ops',
          case when metric = 'l2' then 'default' else '' end, kind, method, kind || '_hash'
        );
      end loop;
    end loop;
    foreach metric in array array['hamming', 'jaccard'] loop
      execute format(
        'create operator class %I for type bit using %I as operator 1 = (bit, bit), function 1 bit_hash(bit)',
        'bit_' || metric || '_ops', method
      );
    end loop;
  end loop;
end
$classes$;
