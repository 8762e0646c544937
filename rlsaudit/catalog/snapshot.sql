-- Every fact in one statement and one round trip: a JSON object whose keys are the fields of facts.Snapshot.
-- One flat aggregate a catalog, joined by OID in the client: nested per-table subqueries are quadratic.
-- Only pg_catalog, never information_schema, which hides the grants of others. The session's search_path is empty, so
-- that deparsed expressions come out qualified. Columns that older servers lack are read through to_jsonb(row) ->> name.
with recursive
own_relations as materialized (
  -- Not the system's own: nobody's data lies there, and what it grants is the same everywhere.
  select c.*
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
    -- Null for what was dropped since the transaction began: the functions below see the present and would fail on it.
    and pg_catalog.pg_table_is_visible(c.oid) is not null
),
own_functions as materialized (
  select p.*
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
    and p.prokind in ('f', 'p', 'w')
),
membership as materialized (
  select d.classid, d.objid, e.extname
  from pg_catalog.pg_depend d
  join pg_catalog.pg_extension e on e.oid = d.refobjid
  where d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and d.deptype = 'e'
),
spelled as materialized (
  -- What calls the project's functions by another name: operators and aggregates.
  select 'pg_catalog.pg_operator'::pg_catalog.regclass as classid, o.oid, o.oprnamespace as schema, o.oprname as name,
    p.oid as function
  from pg_catalog.pg_operator o
  join own_functions p on p.oid = o.oprcode
  union
  select 'pg_catalog.pg_proc'::pg_catalog.regclass, a.oid, a.pronamespace, a.proname, p.oid
  from pg_catalog.pg_aggregate g
  join pg_catalog.pg_proc a on a.oid = g.aggfnoid
  join own_functions p on p.oid in (g.aggtransfn, g.aggfinalfn, g.aggmtransfn, g.aggminvtransfn, g.aggmfinalfn)
),
called as materialized (
  -- Which functions an expression calls: by name, by an operator, or by an aggregate, which is made of functions.
  select d.classid, d.objid, coalesce(s.function, d.refobjid) as function
  from pg_catalog.pg_depend d
  left join spelled s on (s.classid, s.oid) = (d.refclassid, d.refobjid)
  where d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass or s.function is not null
),
made_of as (
  -- Of what a value of a type is made: a domain's of its base, a row's of fields, an array's and a range's of the like.
  select t.oid as type, t.typbasetype as part from pg_catalog.pg_type t where t.typtype = 'd'
  union all
  select t.oid, t.typelem from pg_catalog.pg_type t where t.typcategory = 'A'
  union all
  select t.oid, a.atttypid
  from pg_catalog.pg_type t
  join pg_catalog.pg_attribute a on a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
  where t.typtype = 'c'
  union all
  select r.rngtypid, r.rngsubtype from pg_catalog.pg_range r
  union all
  select r.rngmultitypid, r.rngtypid from pg_catalog.pg_range r
),
domain_calls as (
  -- And those that come with a domain, or with one that a value is made of.
  select k.contypid as type, c.function
  from pg_catalog.pg_constraint k
  join called c on c.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass and c.objid = k.oid
  where k.contypid <> 0
  union
  select t.type, b.function from domain_calls b join made_of t on t.part = b.type
),
reads as materialized (
  -- What policies and rewrite rules depend on: relations with their columns, and functions.
  select d.classid, d.objid,
    coalesce(pg_catalog.json_agg(distinct pg_catalog.jsonb_build_array(d.refobjid::bigint, d.refobjsubid))
      filter (where d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass), '[]') as columns,
    coalesce(pg_catalog.json_agg(distinct coalesce(c.function, t.function)::bigint)
      filter (where c.function is not null or t.function is not null), '[]') as functions
  from pg_catalog.pg_depend d
  left join called c on (c.classid, c.objid) = (d.classid, d.objid)
  left join domain_calls t on d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass and t.type = d.refobjid
  where d.classid in ('pg_catalog.pg_policy'::pg_catalog.regclass, 'pg_catalog.pg_rewrite'::pg_catalog.regclass)
  group by d.classid, d.objid
),
row_calls as (
  -- What runs when a row is written, though no statement names it. A partition key's functions hang on the table.
  select a.adrelid as relation, c.function
  from called c join pg_catalog.pg_attrdef a
    on c.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass and a.oid = c.objid
  union
  select k.conrelid, c.function
  from called c join pg_catalog.pg_constraint k
    on c.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass and k.oid = c.objid
  where k.conrelid <> 0
  union
  select coalesce(i.indrelid, c.objid), c.function
  from called c left join pg_catalog.pg_index i on i.indexrelid = c.objid
  where c.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
  union
  select t.tgrelid, c.function
  from called c join pg_catalog.pg_trigger t
    on c.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass and t.oid = c.objid
  where t.tgqual is not null
  union
  select a.attrelid, t.function
  from domain_calls t join pg_catalog.pg_attribute a on a.atttypid = t.type
  where a.attnum > 0 and not a.attisdropped
),
unanswerable as (
  -- Foreign tables without a handler, which pg_relation_is_updatable fails on, and the views above them. A handler that
  -- is built into the server is none of a wrapper's, but stands in for one in a stub.
  select c.oid
  from own_relations c
  join pg_catalog.pg_foreign_table t on t.ftrelid = c.oid
  join pg_catalog.pg_foreign_server s on s.oid = t.ftserver
  join pg_catalog.pg_foreign_data_wrapper w on w.oid = s.srvfdw
  left join pg_catalog.pg_proc h on h.oid = w.fdwhandler
  left join pg_catalog.pg_language l on l.oid = h.prolang
  where w.fdwhandler = 0 or l.lanname = 'internal'
  union
  select w.ev_class
  from unanswerable u
  join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = u.oid
    and d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
  join pg_catalog.pg_rewrite w on w.oid = d.objid
)
select pg_catalog.json_build_object(
  'server', (
    select pg_catalog.json_build_object(
      'version', pg_catalog.current_setting('server_version'),
      'version_num', pg_catalog.current_setting('server_version_num')::int,
      'database', pg_catalog.current_database(),
      'database_owner', (select d.datdba::bigint from pg_catalog.pg_database d
                         where d.datname = pg_catalog.current_database()),
      'encoding', pg_catalog.getdatabaseencoding())
  ),
  'viewer', (
    select pg_catalog.json_build_object(
      'name', r.rolname, 'superuser', r.rolsuper, 'bypass_rls', r.rolbypassrls,
      'settable', (
        -- SET is a privilege of its own since 16; before, membership was enough. SET ROLE asks the session's user.
        select coalesce(pg_catalog.json_agg(o.oid::bigint), '[]') from pg_catalog.pg_roles o
        where pg_catalog.pg_has_role(session_user, o.oid,
          case when pg_catalog.current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end)))
    from pg_catalog.pg_roles r where r.rolname = current_user
  ),
  'roles', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', r.oid::bigint, 'name', r.rolname, 'superuser', r.rolsuper, 'inherit', r.rolinherit,
      'create_role', r.rolcreaterole, 'create_db', r.rolcreatedb, 'login', r.rolcanlogin,
      'replication', r.rolreplication, 'bypass_rls', r.rolbypassrls) order by r.rolname), '[]')
    from pg_catalog.pg_roles r
  ),
  'memberships', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'role', m.roleid::bigint, 'member', m.member::bigint, 'grantor', m.grantor::bigint, 'admin', m.admin_option,
      'inherit', (pg_catalog.to_jsonb(m) ->> 'inherit_option')::boolean,
      'set', (pg_catalog.to_jsonb(m) ->> 'set_option')::boolean) order by m.roleid, m.member, m.grantor), '[]')
    from pg_catalog.pg_auth_members m
  ),
  'role_settings', (
    -- A setting may be a secret (people put JWT secrets there), so only values that decide access leave the server.
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'role', s.setrole::bigint, 'this_database', s.setdatabase <> 0, 'name', pg_catalog.split_part(v, '=', 1),
      'value', case when pg_catalog.split_part(v, '=', 1) in (
          'pgrst.db_schemas', 'pgrst.db_extra_search_path', 'pgrst.db_anon_role', 'pgrst.db_pre_request',
          'search_path', 'role', 'row_security', 'statement_timeout', 'session_preload_libraries')
        then pg_catalog.substr(v, pg_catalog.strpos(v, '=') + 1) end)
      order by s.setrole, s.setdatabase, v), '[]')
    from pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) v
    where s.setdatabase in (0, (select d.oid from pg_catalog.pg_database d
                                where d.datname = pg_catalog.current_database()))
  ),
  'schemas', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', n.oid::bigint, 'name', n.nspname, 'owner', n.nspowner::bigint, 'extension', e.extname,
      'acl', (select coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
                a.grantee::bigint, a.grantor::bigint, a.privilege_type, a.is_grantable)), '[]')
              from pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a))
      order by n.nspname), '[]')
    from pg_catalog.pg_namespace n
    left join membership e on e.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and e.objid = n.oid
    where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
  ),
  'relations', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', c.oid::bigint, 'schema', c.relnamespace::bigint, 'name', c.relname, 'kind', c.relkind,
      'owner', c.relowner::bigint, 'rls', c.relrowsecurity, 'forced', c.relforcerowsecurity,
      'partition', c.relispartition, 'options', coalesce(pg_catalog.to_json(c.reloptions), '[]'),
      'bound', pg_catalog.pg_get_expr(c.relpartbound, 0), 'partition_key', coalesce((
        select pg_catalog.to_json(p.partattrs::smallint[]) from pg_catalog.pg_partitioned_table p
        where p.partrelid = c.oid), '[]'),
      'replica_identity', c.relreplident, 'rows', c.reltuples, 'extension', e.extname,
      'definition', case when c.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(c.oid) end,
      -- Asked only where it depends on something, for asking waits for whoever holds the relation's lock.
      'updatable', case
        when c.relkind in ('r', 'p') then 28
        when c.relkind in ('v', 'f') and c.oid not in (select u.oid from unanswerable u)
        then pg_catalog.pg_relation_is_updatable(c.oid, true)
        else 0 end,
      'acl', (select coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
                a.grantee::bigint, a.grantor::bigint, a.privilege_type, a.is_grantable)), '[]')
              from pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault(
                case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner))) a))
      order by c.relname, c.oid), '[]')
    from own_relations c
    left join membership e on e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and e.objid = c.oid
  ),
  'columns', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'relation', a.attrelid::bigint, 'number', a.attnum, 'name', a.attname,
      'type', pg_catalog.format_type(a.atttypid, a.atttypmod), 'type_kind', t.typtype, 'not_null', a.attnotnull,
      'collation', (
        select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(l.collname)
        from pg_catalog.pg_collation l
        join pg_catalog.pg_namespace n on n.oid = l.collnamespace
        where l.oid = a.attcollation and not l.collisdeterministic),
      'constant', case when f.constant then f.sql end, 'computed', case when not f.constant then f.sql end,
      'default', a.atthasdef or a.attidentity <> '', 'generated', a.attgenerated <> '', 'identity', a.attidentity <> '',
      'acl', case when a.attacl is null then '[]' else (
               select coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
                 x.grantee::bigint, x.grantor::bigint, x.privilege_type, x.is_grantable)), '[]')
               from pg_catalog.aclexplode(a.attacl) x) end)
      order by a.attrelid, a.attnum), '[]')
    from pg_catalog.pg_attribute a
    join own_relations c on c.oid = a.attrelid and c.relkind <> 'S'
    join pg_catalog.pg_type t on t.oid = a.atttypid
    left join pg_catalog.pg_attrdef d on a.atthasdef and d.adrelid = a.attrelid and d.adnum = a.attnum
    left join lateral (
      -- A default names no column, what is generated does. With the relation's oid the server would wait for its lock.
      select case when a.attgenerated = '' then pg_catalog.pg_get_expr(d.adbin, 0) end as sql offset 0) e on true
    left join lateral (
      select e.sql, pg_catalog.length(e.sql) < 100
        and e.sql ~ $re$^(true|false|\(?-?[0-9.]+\)?|'[^']*'|NULL)(::[A-Za-z_" .0-9(),]+)?(\[\])?$$re$ as constant) f on true
    where a.attnum > 0 and not a.attisdropped
  ),
  'policies', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', p.oid::bigint, 'relation', p.polrelid::bigint, 'name', p.polname, 'command', p.polcmd,
      'permissive', p.polpermissive, 'roles', pg_catalog.to_json(p.polroles::bigint[]),
      'using', pg_catalog.pg_get_expr(p.polqual, p.polrelid),
      'check', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid),
      'columns', coalesce(r.columns, '[]'), 'functions', coalesce(r.functions, '[]'))
      order by p.polrelid, p.polname), '[]')
    from pg_catalog.pg_policy p
    join own_relations c on c.oid = p.polrelid
    left join reads r on r.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and r.objid = p.oid
  ),
  'functions', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', p.oid::bigint, 'schema', p.pronamespace::bigint, 'name', p.proname, 'kind', p.prokind,
      'arguments', pg_catalog.array_to_string(array(
        select pg_catalog.format_type(t.oid, null)
        from pg_catalog.unnest(p.proargtypes) with ordinality t (oid, position) order by t.position), ', '),
      'parameters', (
        select coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(coalesce(p.proargmodes[i], 'i'), name)
                        order by i), '[]')
        from pg_catalog.unnest(p.proargnames) with ordinality n (name, i)),
      'returns', coalesce(pg_catalog.pg_get_function_result(p.oid), ''), 'returns_set', p.proretset,
      'language', l.lanname, 'owner', p.proowner::bigint, 'security_definer', p.prosecdef,
      'volatility', p.provolatile, 'leakproof', p.proleakproof, 'strict', p.proisstrict, 'cost', p.procost,
      'defaults', case when p.pronargdefaults > 0 then pg_catalog.pg_get_expr(p.proargdefaults, 0) end,
      -- The value of a custom setting (a.b) may be a secret.
      'settings', (select coalesce(pg_catalog.json_agg(
                     case when pg_catalog.strpos(pg_catalog.split_part(s, '=', 1), '.') > 0
                     then pg_catalog.split_part(s, '=', 1) else s end), '[]')
                   from pg_catalog.unnest(p.proconfig) s),
      -- A compiled extension function has only a symbol for a body.
      'body', coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc, ''), 'extension', e.extname,
      'acl', (select coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
                a.grantee::bigint, a.grantor::bigint, a.privilege_type, a.is_grantable)), '[]')
              from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a))
      order by p.proname, p.oid), '[]')
    from own_functions p
    join pg_catalog.pg_language l on l.oid = p.prolang
    left join membership e on e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and e.objid = p.oid
  ),
  'system_functions', (
    -- Of Postgres's own only what reads or writes files: nobody but superusers may call it, where nobody granted it.
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', p.proname, 'owner', p.proowner::bigint,
      'arguments', pg_catalog.array_to_string(array(
        select pg_catalog.format_type(t.oid, null)
        from pg_catalog.unnest(p.proargtypes) with ordinality t (oid, position) order by t.position), ', '),
      'acl', (select coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
                a.grantee::bigint, a.grantor::bigint, a.privilege_type, a.is_grantable)), '[]')
              from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a))
      order by p.proname, p.oid), '[]')
    from pg_catalog.pg_proc p
    where p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
      and p.proname in ('lo_export', 'lo_import', 'pg_ls_dir', 'pg_read_binary_file', 'pg_read_file', 'pg_stat_file')
  ),
  'rewrites', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'relation', w.ev_class::bigint, 'name', w.rulename, 'event', w.ev_type, 'instead', w.is_instead,
      'enabled', w.ev_enabled,
      'definition', case when w.rulename <> '_RETURN' then pg_catalog.pg_get_ruledef(w.oid) end,
      'columns', coalesce(r.columns, '[]'), 'functions', coalesce(r.functions, '[]'))
      order by w.ev_class, w.rulename), '[]')
    from pg_catalog.pg_rewrite w
    join own_relations c on c.oid = w.ev_class
    left join reads r on r.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and r.objid = w.oid
  ),
  'triggers', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'relation', t.tgrelid::bigint, 'name', t.tgname, 'function', t.tgfoid::bigint, 'type', t.tgtype,
      'enabled', t.tgenabled, 'conditional', t.tgqual is not null) order by t.tgrelid, t.tgname), '[]')
    from pg_catalog.pg_trigger t
    join own_relations c on c.oid = t.tgrelid
    where not t.tgisinternal
  ),
  'spellings', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'schema', s.schema::bigint, 'name', s.name, 'function', s.function::bigint)
      order by s.schema, s.name, s.function), '[]')
    from spelled s
    join pg_catalog.pg_namespace n on n.oid = s.schema
    where n.nspname <> 'pg_catalog'
  ),
  'argument_calls', (
    select coalesce(pg_catalog.json_agg(distinct pg_catalog.jsonb_build_object(
      'caller', p.oid::bigint, 'function', c.function::bigint)), '[]')
    from called c
    join own_functions p on c.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and p.oid = c.objid
    join own_functions f on f.oid = c.function
  ),
  'row_calls', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'relation', r.relation::bigint, 'function', r.function::bigint) order by r.relation, r.function), '[]')
    from row_calls r
    join own_relations c on c.oid = r.relation
    join own_functions p on p.oid = r.function
  ),
  'inheritance', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'child', i.inhrelid::bigint, 'parent', i.inhparent::bigint) order by i.inhparent, i.inhrelid), '[]')
    from pg_catalog.pg_inherits i
    join own_relations c on c.oid = i.inhrelid
  ),
  'constraints', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'relation', k.conrelid::bigint, 'name', k.conname, 'kind', k.contype,
      'columns', coalesce(pg_catalog.to_json(k.conkey), '[]'), 'foreign_relation', k.confrelid::bigint,
      'foreign_columns', coalesce(pg_catalog.to_json(k.confkey), '[]'),
      'definition', coalesce(pg_catalog.pg_get_constraintdef(k.oid), '')) order by k.conrelid, k.conname), '[]')
    from pg_catalog.pg_constraint k
    join own_relations c on c.oid = k.conrelid
    where k.contype in ('p', 'u', 'f', 'c', 'x')
      -- NOT NULL is told of columns, where it does not say that older rows may break it.
      or (k.contype = 'n' and not k.convalidated)
  ),
  'unique_indexes', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'relation', i.indrelid::bigint,
      'columns', (select coalesce(pg_catalog.json_agg(k.number order by k.place), '[]')
                  from pg_catalog.unnest(i.indkey) with ordinality k(number, place)
                  where k.place <= i.indnkeyatts)) order by i.indrelid, i.indexrelid), '[]')
    from pg_catalog.pg_index i
    join own_relations c on c.oid = i.indrelid
    where i.indisunique
      and not exists (select from pg_catalog.pg_constraint k
                      where k.conindid = i.indexrelid and k.contype in ('p', 'u'))
  ),
  'sequence_owners', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'sequence', d.objid::bigint, 'relation', d.refobjid::bigint, 'column', d.refobjsubid) order by d.objid), '[]')
    from pg_catalog.pg_depend d
    join own_relations c on c.oid = d.objid and c.relkind = 'S'
    where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.deptype in ('a', 'i')
      and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjsubid > 0
  ),
  'default_acls', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'creator', d.defaclrole::bigint, 'schema', d.defaclnamespace::bigint, 'objects', d.defaclobjtype,
      'acl', (select coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
                a.grantee::bigint, a.grantor::bigint, a.privilege_type, a.is_grantable)), '[]')
              from pg_catalog.aclexplode(d.defaclacl) a)) order by d.oid), '[]')
    from pg_catalog.pg_default_acl d
  ),
  'publications', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', p.pubname, 'all_tables', p.puballtables,
      'relations', (select coalesce(pg_catalog.json_agg(distinct c.oid::bigint), '[]')
                    from pg_catalog.pg_get_publication_tables(p.pubname) t
                    join pg_catalog.pg_class c on c.oid = t.relid)) order by p.pubname), '[]')
    from pg_catalog.pg_publication p
  ),
  'extensions', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', e.extname, 'version', e.extversion, 'schema', e.extnamespace::bigint, 'relocatable', e.extrelocatable,
      'available', a.default_version, 'comment', a.comment) order by e.extname), '[]')
    from pg_catalog.pg_extension e
    left join pg_catalog.pg_available_extensions a on a.name = e.extname
  ),
  'foreign_servers', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', s.oid::bigint, 'name', s.srvname, 'owner', s.srvowner::bigint, 'wrapper', w.fdwname, 'handler', h.proname,
      'options', (select coalesce(pg_catalog.json_agg(pg_catalog.split_part(o, '=', 1)), '[]')
                  from pg_catalog.unnest(s.srvoptions) o),
      'acl', (select coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
                a.grantee::bigint, a.grantor::bigint, a.privilege_type, a.is_grantable)), '[]')
              from pg_catalog.aclexplode(coalesce(s.srvacl, pg_catalog.acldefault('S', s.srvowner))) a))
      order by s.srvname), '[]')
    from pg_catalog.pg_foreign_server s
    join pg_catalog.pg_foreign_data_wrapper w on w.oid = s.srvfdw
    left join pg_catalog.pg_proc h on h.oid = w.fdwhandler
  ),
  'foreign_tables', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'relation', t.ftrelid::bigint, 'server', t.ftserver::bigint,
      'options', (select coalesce(pg_catalog.json_agg(pg_catalog.split_part(o, '=', 1)), '[]')
                  from pg_catalog.unnest(t.ftoptions) o)) order by t.ftrelid), '[]')
    from pg_catalog.pg_foreign_table t
  ),
  'user_mappings', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'server', u.srvid::bigint, 'role', u.umuser::bigint,
      -- The view is silent about options that one may not see, as about those that are not there.
      'options', case when r.rolsuper
          or (u.usename operator(pg_catalog.=) current_user and u.umuser operator(pg_catalog.<>) 0
              and (pg_catalog.pg_has_role(s.srvowner, 'USAGE') or pg_catalog.has_server_privilege(s.oid, 'USAGE')))
          or (u.umuser operator(pg_catalog.=) 0 and pg_catalog.pg_has_role(s.srvowner, 'USAGE'))
        then (select coalesce(pg_catalog.json_agg(pg_catalog.split_part(o, '=', 1)), '[]')
              from pg_catalog.unnest(u.umoptions) o) end)
      order by u.srvid, u.umuser), '[]')
    from pg_catalog.pg_user_mappings u
    join pg_catalog.pg_foreign_server s on s.oid = u.srvid
    join pg_catalog.pg_roles r on r.rolname = current_user
  ),
  'event_triggers', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', t.evtname, 'event', t.evtevent, 'function', t.evtfoid::bigint, 'enabled', t.evtenabled)
      order by t.evtname), '[]')
    from pg_catalog.pg_event_trigger t
  ),
  'database', (
    select pg_catalog.json_build_object('name', d.datname, 'owner', d.datdba::bigint,
      'acl', (select coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
                a.grantee::bigint, a.grantor::bigint, a.privilege_type, a.is_grantable)), '[]')
              from pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a))
    from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()
  ),
  'parameters', (
    -- take.py puts an empty list here for servers before 15, which do not have the catalog.
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', g.parname, 'acl', (select coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
                a.grantee::bigint, a.grantor::bigint, a.privilege_type, a.is_grantable)), '[]')
              from pg_catalog.aclexplode(g.paracl) a)) order by g.parname), '[]')
    from pg_catalog.pg_parameter_acl g
  ),
  'types', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', t.oid::bigint, 'schema', t.typnamespace::bigint, 'name', t.typname, 'kind', t.typtype,
      'owner', t.typowner::bigint, 'extension', e.extname,
      'labels', (select coalesce(pg_catalog.json_agg(l.enumlabel order by l.enumsortorder), '[]')
                 from pg_catalog.pg_enum l where l.enumtypid = t.oid),
      'base', case when t.typbasetype <> 0 then pg_catalog.format_type(t.typbasetype, t.typtypmod) end,
      'checks', (select coalesce(pg_catalog.json_agg(pg_catalog.pg_get_constraintdef(k.oid) order by k.conname), '[]')
                 from pg_catalog.pg_constraint k where k.contypid = t.oid and k.contype = 'c'),
      'attributes', (
        select coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
          a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)) order by a.attnum), '[]')
        from pg_catalog.pg_attribute a
        where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped),
      'acl', (select coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
                a.grantee::bigint, a.grantor::bigint, a.privilege_type, a.is_grantable)), '[]')
              from pg_catalog.aclexplode(coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner))) a))
      order by t.typname, t.oid), '[]')
    from pg_catalog.pg_type t
    join pg_catalog.pg_namespace n on n.oid = t.typnamespace
    left join pg_catalog.pg_class c on c.oid = t.typrelid
    left join membership e on e.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and e.objid = t.oid
    where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
      and t.typtype in ('b', 'c', 'd', 'e', 'r') and t.typcategory <> 'A' and coalesce(c.relkind, 'c') = 'c'
  ),
  'languages', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', l.oid::bigint, 'name', l.lanname, 'owner', l.lanowner::bigint, 'trusted', l.lanpltrusted,
      'acl', (select coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
                a.grantee::bigint, a.grantor::bigint, a.privilege_type, a.is_grantable)), '[]')
              from pg_catalog.aclexplode(coalesce(l.lanacl, pg_catalog.acldefault('l', l.lanowner))) a))
      order by l.lanname), '[]')
    from pg_catalog.pg_language l
  ),
  'foreign_wrappers', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', w.oid::bigint, 'name', w.fdwname, 'owner', w.fdwowner::bigint,
      'options', (select coalesce(pg_catalog.json_agg(pg_catalog.split_part(o, '=', 1)), '[]')
                  from pg_catalog.unnest(w.fdwoptions) o),
      'acl', (select coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
                a.grantee::bigint, a.grantor::bigint, a.privilege_type, a.is_grantable)), '[]')
              from pg_catalog.aclexplode(coalesce(w.fdwacl, pg_catalog.acldefault('F', w.fdwowner))) a))
      order by w.fdwname), '[]')
    from pg_catalog.pg_foreign_data_wrapper w
  ),
  'large_objects', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'owner', m.lomowner::bigint, 'number', m.number,
      'acl', (select coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
                a.grantee::bigint, a.grantor::bigint, a.privilege_type, a.is_grantable)), '[]')
              from pg_catalog.aclexplode(coalesce(m.lomacl, pg_catalog.acldefault('L', m.lomowner))) a))
      order by m.lomowner, m.lomacl::text), '[]')
    from (select o.lomowner, o.lomacl, pg_catalog.count(*) as number
          from pg_catalog.pg_largeobject_metadata o group by o.lomowner, o.lomacl) m
  ),
  'comments', (
    -- Only those that speak to us: what else people write on their tables is none of our business.
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'relation', coalesce(c.oid::bigint, 0), 'function', coalesce(p.oid::bigint, 0), 'column', d.objsubid,
      'text', d.description) order by d.classoid, d.objoid, d.objsubid), '[]')
    from pg_catalog.pg_description d
    left join own_relations c on d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and c.oid = d.objoid
    left join own_functions p on d.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass and p.oid = d.objoid
    where pg_catalog.strpos(d.description, '@rlsaudit') > 0 and (c.oid is not null or p.oid is not null)
  ),
  'large_objects_open', pg_catalog.current_setting('lo_compat_privileges')::boolean
)::text
