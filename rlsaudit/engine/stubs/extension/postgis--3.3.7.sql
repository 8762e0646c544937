-- rlsaudit stub of PostGIS. A shape is the text that was written (WKT, EWKT or WKB); the few functions here understand
-- points and nothing else, distances are metres on a sphere or plain Euclid. Indexes on shapes are hash
-- indexes, by the names of PostGIS's operator classes; GiST's functions cannot be written in SQL, so a replay puts
-- `using hash` in the place of `using gist`.

do $types$
declare
  name text;
begin
  foreach name in array array['geometry', 'geography'] loop
    execute format('create type @extschema@.%I', name);
    execute format(
      'create function @extschema@.%I(cstring, oid, integer) returns @extschema@.%I
       language internal immutable strict parallel safe as %L',
      name || '_in', name, 'textin'
    );
    execute format(
      'create function @extschema@.%I(@extschema@.%I) returns cstring
       language internal immutable strict parallel safe as %L',
      name || '_out', name, 'textout'
    );
    -- Takes what stands in the parentheses, point or 4326, and keeps how many they were. No function of Postgres's own
    -- reads words there; the one that counts an array's elements does not look at them.
    execute format(
      'create function @extschema@.%I(cstring[]) returns integer
       language internal immutable strict parallel safe as %L',
      name || '_typmod_in', 'array_cardinality'
    );
    execute format(
      'create type @extschema@.%1$I (
         input = @extschema@.%2$I, output = @extschema@.%3$I, typmod_in = @extschema@.%4$I, storage = extended)',
      name, name || '_in', name || '_out', name || '_typmod_in'
    );
  end loop;
end
$types$;

create type @extschema@.box2d;
create function @extschema@.box2d_in(cstring) returns @extschema@.box2d
language internal immutable strict parallel safe as 'textin';
create function @extschema@.box2d_out(@extschema@.box2d) returns cstring
language internal immutable strict parallel safe as 'textout';
create type @extschema@.box2d (input = @extschema@.box2d_in, output = @extschema@.box2d_out);

create table @extschema@.spatial_ref_sys (
  srid integer primary key check (srid > 0 and srid <= 998999),
  auth_name varchar(256),
  auth_srid integer,
  srtext varchar(2048),
  proj4text varchar(2048)
);
grant select on @extschema@.spatial_ref_sys to public;

-- An order, for DISTINCT, keys and indexes: byte by byte, so two spellings of the same shape differ.
do $order$
declare
  kind text;
  class text;
  rule record;
begin
  foreach kind in array array['geometry', 'geography'] loop
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
        'create function @extschema@.%1$I(@extschema@.%2$I, @extschema@.%2$I) returns boolean
         language internal immutable strict parallel safe as %3$L',
        kind || '_' || rule.name, kind, 'bytea' || rule.name
      );
      execute format(
        'create operator @extschema@.%s (
           leftarg = @extschema@.%I, rightarg = @extschema@.%2$I, function = @extschema@.%3$I,
           commutator = operator(@extschema@.%4$s), negator = operator(@extschema@.%5$s),
           restrict = %6$s, join = %7$s %8$s)',
        rule.operator, kind, kind || '_' || rule.name, rule.commutator, rule.negator,
        rule.restrict, rule.joins, rule.options
      );
    end loop;
    execute format(
      'create function @extschema@.%1$I(@extschema@.%2$I, @extschema@.%2$I) returns integer
       language internal immutable strict parallel safe as %3$L',
      kind || '_cmp', kind, 'byteacmp'
    );
    execute format(
      'create function @extschema@.%I(@extschema@.%I) returns integer
       language internal immutable strict parallel safe as %L',
      kind || '_hash', kind, 'hashvarlena'
    );
    execute format(
      'create operator class @extschema@.%I default for type @extschema@.%I using btree as
         operator 1 @extschema@.<, operator 2 @extschema@.<=, operator 3 @extschema@.=, operator 4 @extschema@.>=,
         operator 5 @extschema@.>, function 1 @extschema@.%3$I(@extschema@.%2$I, @extschema@.%2$I)',
      'btree_' || kind || '_ops', kind, kind || '_cmp'
    );
    foreach class in array case kind
      when 'geometry' then array[
        'hash_geometry_ops', 'gist_geometry_ops_2d', 'gist_geometry_ops_nd', 'spgist_geometry_ops_2d',
        'spgist_geometry_ops_3d', 'spgist_geometry_ops_nd', 'brin_geometry_inclusion_ops_2d'
      ]
      else array['hash_geography_ops', 'gist_geography_ops', 'spgist_geography_ops_nd', 'brin_geography_inclusion_ops']
    end loop
      execute format(
        'create operator class @extschema@.%I %s for type @extschema@.%I using hash as
           operator 1 @extschema@.= (@extschema@.%3$I, @extschema@.%3$I), function 1 @extschema@.%4$I(@extschema@.%3$I)',
        class, case when class like 'hash%' then 'default' else '' end, kind, kind || '_hash'
      );
    end loop;
  end loop;
end
$order$;

create cast (@extschema@.geometry as @extschema@.geography) without function as implicit;
create cast (@extschema@.geography as @extschema@.geometry) without function;

-- Numbers of a point, in the order of the text: longitude first.
create function @extschema@.st_coordinates(shape text) returns double precision[]
language sql immutable strict parallel safe as $$
  select array(
    select number[1]::double precision
    from regexp_matches(substring(shape from '\(([^()]*)\)'), '-?\d+(?:\.\d+)?(?:[eE]-?\d+)?', 'g') as number
  )
$$;

create function @extschema@.st_makepoint(double precision, double precision) returns @extschema@.geometry
language sql immutable strict parallel safe as $$
  select format('POINT(%s %s)', $1, $2)::@extschema@.geometry
$$;
create function @extschema@.st_makepoint(double precision, double precision, double precision)
returns @extschema@.geometry language sql immutable strict parallel safe as $$
  select format('POINT Z (%s %s %s)', $1, $2, $3)::@extschema@.geometry
$$;
create function @extschema@.st_point(double precision, double precision) returns @extschema@.geometry
language sql immutable strict parallel safe as $$
  select @extschema@.st_makepoint($1, $2)
$$;
create function @extschema@.st_point(double precision, double precision, srid integer) returns @extschema@.geometry
language sql immutable strict parallel safe as $$
  select format('SRID=%s;POINT(%s %s)', $3, $1, $2)::@extschema@.geometry
$$;
create function @extschema@.st_setsrid(geom @extschema@.geometry, srid integer) returns @extschema@.geometry
language sql immutable strict parallel safe as $$
  select format('SRID=%s;%s', srid, regexp_replace(geom::text, '^SRID=\d+;', ''))::@extschema@.geometry
$$;
create function @extschema@.st_srid(geom @extschema@.geometry) returns integer
language sql immutable strict parallel safe as $$
  select coalesce(substring(geom::text from '^SRID=(\d+);')::integer, 0)
$$;
create function @extschema@.st_geomfromtext(text) returns @extschema@.geometry
language sql immutable strict parallel safe as $$
  select $1::@extschema@.geometry
$$;
create function @extschema@.st_geomfromtext(text, integer) returns @extschema@.geometry
language sql immutable strict parallel safe as $$
  select @extschema@.st_setsrid($1::@extschema@.geometry, $2)
$$;
create function @extschema@.st_geogfromtext(text) returns @extschema@.geography
language sql immutable strict parallel safe as $$
  select $1::@extschema@.geography
$$;
create function @extschema@.st_makeenvelope(
  double precision, double precision, double precision, double precision, integer default 0
) returns @extschema@.geometry language sql immutable strict parallel safe as $$
  select format(
    'SRID=%s;POLYGON((%s %s,%s %s,%s %s,%s %s,%2$s %3$s))', $5, $1, $2, $1, $4, $3, $4, $3, $2
  )::@extschema@.geometry
$$;

create function @extschema@.st_x(@extschema@.geometry) returns double precision
language sql immutable strict parallel safe as $$
  select (@extschema@.st_coordinates($1::text))[1]
$$;
create function @extschema@.st_y(@extschema@.geometry) returns double precision
language sql immutable strict parallel safe as $$
  select (@extschema@.st_coordinates($1::text))[2]
$$;
create function @extschema@.st_astext(@extschema@.geometry) returns text
language sql immutable strict parallel safe as $$
  select regexp_replace($1::text, '^SRID=\d+;', '')
$$;
create function @extschema@.st_astext(@extschema@.geography) returns text
language sql immutable strict parallel safe as $$
  select regexp_replace($1::text, '^SRID=\d+;', '')
$$;
create function @extschema@.st_asgeojson(@extschema@.geometry, integer default 9) returns text
language sql immutable strict parallel safe as $$
  select jsonb_build_object('type', 'Point', 'coordinates', @extschema@.st_coordinates($1::text))::text
$$;
create function @extschema@.st_asgeojson(@extschema@.geography, integer default 9) returns text
language sql immutable strict parallel safe as $$
  select jsonb_build_object('type', 'Point', 'coordinates', @extschema@.st_coordinates($1::text))::text
$$;

create function @extschema@.st_distance(@extschema@.geometry, @extschema@.geometry) returns double precision
language sql immutable strict parallel safe as $$
  select sqrt(
    (@extschema@.st_x($1) - @extschema@.st_x($2)) ^ 2 + (@extschema@.st_y($1) - @extschema@.st_y($2)) ^ 2
  )
$$;
create function @extschema@.st_distance(@extschema@.geography, @extschema@.geography, use_spheroid boolean default true)
returns double precision language sql immutable strict parallel safe as $$
  select 2 * 6371008.8 * asin(least(1, sqrt(
    sind((b[2] - a[2]) / 2) ^ 2 + cosd(a[2]) * cosd(b[2]) * sind((b[1] - a[1]) / 2) ^ 2
  )))
  from (select @extschema@.st_coordinates($1::text), @extschema@.st_coordinates($2::text)) as points (a, b)
$$;
create function @extschema@.st_dwithin(@extschema@.geometry, @extschema@.geometry, double precision) returns boolean
language sql immutable strict parallel safe as $$
  select @extschema@.st_distance($1, $2) <= $3
$$;
create function @extschema@.st_dwithin(
  @extschema@.geography, @extschema@.geography, double precision, use_spheroid boolean default true
) returns boolean language sql immutable strict parallel safe as $$
  select @extschema@.st_distance($1, $2) <= $3
$$;

do $unknown$
declare
  name text;
  kind text;
begin
  foreach name in array array['st_contains', 'st_within', 'st_intersects', 'st_covers', 'st_coveredby'] loop
    foreach kind in array array['geometry', 'geography'] loop
      execute format(
        'create function @extschema@.%I(@extschema@.%I, @extschema@.%2$I) returns boolean
         language plpgsql immutable strict parallel safe as %L',
        name, kind, format('begin raise exception %L; end', 'rlsaudit stub: PostGIS has no ' || name)
      );
    end loop;
  end loop;
end
$unknown$;

-- Functions in SQL are checked when they are created, so the names that they use have to be there.
do $refusing$
declare
  rule record;
begin
  for rule in
    select * from (values
      ('st_area(geometry)', 'double precision'),
      ('st_area(geography, use_spheroid boolean default true)', 'double precision'),
      ('st_asbinary(geometry)', 'bytea'),
      ('st_asmvtgeom(geometry, box2d, integer default 4096, integer default 256, boolean default true)', 'geometry'),
      ('st_astwkb(geometry, integer default 0)', 'bytea'),
      ('st_azimuth(geometry, geometry)', 'double precision'),
      ('st_azimuth(geography, geography)', 'double precision'),
      ('st_buffer(geometry, double precision, text default null)', 'geometry'),
      ('st_buffer(geography, double precision)', 'geography'),
      ('st_centroid(geometry)', 'geometry'),
      ('st_centroid(geography, use_spheroid boolean default true)', 'geography'),
      ('st_clusterdbscan(geometry, double precision, integer)', 'integer'),
      ('st_closestpoint(geometry, geometry)', 'geometry'),
      ('st_collect(geometry, geometry)', 'geometry'),
      ('st_collect(geometry[])', 'geometry'),
      ('st_convexhull(geometry)', 'geometry'),
      ('st_crosses(geometry, geometry)', 'boolean'),
      ('st_difference(geometry, geometry)', 'geometry'),
      ('st_disjoint(geometry, geometry)', 'boolean'),
      ('st_distancesphere(geometry, geometry)', 'double precision'),
      ('st_envelope(geometry)', 'geometry'),
      ('st_equals(geometry, geometry)', 'boolean'),
      ('st_expand(geometry, double precision)', 'geometry'),
      ('st_geohash(geometry, integer default 0)', 'text'),
      ('st_geomfromwkb(bytea, integer default 0)', 'geometry'),
      ('st_hexagongrid(double precision, geometry)', 'record'),
      ('st_intersection(geometry, geometry)', 'geometry'),
      ('st_isempty(geometry)', 'boolean'),
      ('st_isvalid(geometry)', 'boolean'),
      ('st_length(geometry)', 'double precision'),
      ('st_length(geography, use_spheroid boolean default true)', 'double precision'),
      ('st_linelocatepoint(geometry, geometry)', 'double precision'),
      ('st_lineinterpolatepoint(geometry, double precision)', 'geometry'),
      ('st_makeline(geometry, geometry)', 'geometry'),
      ('st_makeline(geometry[])', 'geometry'),
      ('st_makepolygon(geometry)', 'geometry'),
      ('st_makevalid(geometry)', 'geometry'),
      ('st_multi(geometry)', 'geometry'),
      ('st_npoints(geometry)', 'integer'),
      ('st_overlaps(geometry, geometry)', 'boolean'),
      ('st_perimeter(geometry)', 'double precision'),
      ('st_pointonsurface(geometry)', 'geometry'),
      ('st_project(geography, double precision, double precision)', 'geography'),
      ('st_simplify(geometry, double precision)', 'geometry'),
      ('st_simplifypreservetopology(geometry, double precision)', 'geometry'),
      ('st_snaptogrid(geometry, double precision)', 'geometry'),
      ('st_startpoint(geometry)', 'geometry'),
      ('st_endpoint(geometry)', 'geometry'),
      ('st_tileenvelope(integer, integer, integer)', 'geometry'),
      ('st_touches(geometry, geometry)', 'boolean'),
      ('st_transform(geometry, integer)', 'geometry'),
      ('st_union(geometry, geometry)', 'geometry'),
      ('st_union(geometry[])', 'geometry'),
      ('st_xmax(geometry)', 'double precision'),
      ('st_xmin(geometry)', 'double precision'),
      ('st_ymax(geometry)', 'double precision'),
      ('st_ymin(geometry)', 'double precision'),
      ('st_z(geometry)', 'double precision'),
      ('geometry_overlaps(geometry, geometry)', 'boolean'),
      ('geography_overlaps(geography, geography)', 'boolean'),
      ('geometry_contains(geometry, geometry)', 'boolean'),
      ('geometry_within(geometry, geometry)', 'boolean')
    ) as rules (signature, result)
  loop
    execute format(
      'create function @extschema@.%s returns %s language plpgsql immutable strict parallel safe as %L',
      regexp_replace(rule.signature, '\m(geometry|geography|box2d)\M(?!_)', '@extschema@.\1', 'g'),
      case when rule.result in ('geometry', 'geography') then '@extschema@.' else '' end || rule.result,
      format('begin raise exception %L; end', 'rlsaudit stub: PostGIS has no ' || split_part(rule.signature, '(', 1))
    );
  end loop;
end
$refusing$;
create aggregate @extschema@.st_collect (@extschema@.geometry) (
  sfunc = array_append, stype = @extschema@.geometry[], finalfunc = @extschema@.st_collect
);
create aggregate @extschema@.st_union (@extschema@.geometry) (
  sfunc = array_append, stype = @extschema@.geometry[], finalfunc = @extschema@.st_union
);
create aggregate @extschema@.st_makeline (@extschema@.geometry) (
  sfunc = array_append, stype = @extschema@.geometry[], finalfunc = @extschema@.st_makeline
);
create operator @extschema@.&& (
  leftarg = @extschema@.geometry, rightarg = @extschema@.geometry, function = @extschema@.geometry_overlaps
);
create operator @extschema@.&& (
  leftarg = @extschema@.geography, rightarg = @extschema@.geography, function = @extschema@.geography_overlaps
);
create operator @extschema@.~ (
  leftarg = @extschema@.geometry, rightarg = @extschema@.geometry, function = @extschema@.geometry_contains
);
create operator @extschema@.@ (
  leftarg = @extschema@.geometry, rightarg = @extschema@.geometry, function = @extschema@.geometry_within
);

create function @extschema@.st_geomfromewkt(text) returns @extschema@.geometry
language sql immutable strict parallel safe as $$
  select $1::@extschema@.geometry
$$;
create function @extschema@.st_geographyfromtext(text) returns @extschema@.geography
language sql immutable strict parallel safe as $$
  select $1::@extschema@.geography
$$;
create function @extschema@.st_asewkt(@extschema@.geometry) returns text
language sql immutable strict parallel safe as $$
  select $1::text
$$;
create function @extschema@.st_geometrytype(@extschema@.geometry) returns text
language sql immutable strict parallel safe as $$
  select 'ST_' || initcap(substring(@extschema@.st_astext($1) from '^[A-Za-z]+'))
$$;
create function @extschema@.st_geomfromgeojson(jsonb) returns @extschema@.geometry
language plpgsql immutable strict parallel safe as $$
begin
  if $1 ->> 'type' is distinct from 'Point' then
    raise exception 'rlsaudit stub: PostGIS reads points only';
  end if;
  return @extschema@.st_setsrid(
    @extschema@.st_makepoint(
      ($1 #>> '{coordinates,0}')::double precision, ($1 #>> '{coordinates,1}')::double precision
    ), 4326
  );
end
$$;
create function @extschema@.st_geomfromgeojson(text) returns @extschema@.geometry
language sql immutable strict parallel safe as $$
  select @extschema@.st_geomfromgeojson($1::jsonb)
$$;

create operator @extschema@.<-> (
  leftarg = @extschema@.geometry, rightarg = @extschema@.geometry, function = @extschema@.st_distance
);
create function @extschema@.geography_distance_knn(@extschema@.geography, @extschema@.geography)
returns double precision language sql immutable strict parallel safe as $$
  select @extschema@.st_distance($1, $2)
$$;
create operator @extschema@.<-> (
  leftarg = @extschema@.geography, rightarg = @extschema@.geography, function = @extschema@.geography_distance_knn
);
create function @extschema@.postgis_version() returns text language sql immutable return '3.3 rlsaudit stub';

-- The one family that runs with its owner's rights, in PostGIS too: projects take it from the API's roles by name.
do $estimates$
declare
  arguments text;
begin
  foreach arguments in array array['text, text', 'text, text, text', 'text, text, text, boolean'] loop
    execute format(
      'create function @extschema@.st_estimatedextent(%s) returns @extschema@.box2d
       language plpgsql stable strict security definer parallel safe as %L',
      arguments, 'begin raise exception ''rlsaudit stub: PostGIS has no st_estimatedextent''; end'
    );
  end loop;
end
$estimates$;
