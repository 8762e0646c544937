-- rlsaudit stub of PostGIS. A shape is the text that was written (WKT, EWKT or WKB); the few functions here understand
-- points and nothing else, distances are metres on a sphere or plain Euclid. There is no index on shapes.

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
