"""Which catalogs say who reaches what, and which of their fields.

One query a catalog, of one shape: the row's key, the object that it is part of, the transaction that wrote it, and the
fields that matter, as text. Everything is qualified: the session that asks is the migrations' own, with whatever
search_path they have set.
"""

from __future__ import annotations

from dataclasses import dataclass

NEWER = " operator(pg_catalog.>) "
_TEXT = "::pg_catalog.text"
_USERS = "x.oid operator(pg_catalog.>=) 16384::pg_catalog.oid"


@dataclass(frozen=True, slots=True)
class Watched:
    """A catalog.

    Attributes:
        name: Its name.
        kind: What its rows are called in an `Event`.
        key: The row's identity, an expression.
        parent: The object that the row is part of; its own key where that is itself.
        fields: What is compared, by name.
        where: Which rows count.
        whole: Whether all of it is read each time; else what the last statement wrote, and the keys where it deleted.
        source: What it is read from where it is not the catalog itself.
    """

    name: str
    kind: str
    key: str
    parent: str
    fields: dict[str, str]
    where: str = "true"
    whole: bool = False
    source: str = ""

    def query(self, number: int, after: int | None) -> str:
        """Its rows; those alone that transactions after `after` wrote, where given."""
        values = ", ".join(f"({expression}){_TEXT}" for expression in self.fields.values())
        written = "0" if self.source else f"x.xmin{_TEXT}::pg_catalog.int8"
        newer = "" if after is None or self.whole else f" and {written}{NEWER}{after}"
        return (
            f"select {number}::pg_catalog.int4 c, ({self.key}){_TEXT} k, ({self.parent}){_TEXT} p,"
            f" {written}::pg_catalog.int8 w, array[{values}]::pg_catalog.text[] v"
            f" from {self.source or 'pg_catalog.' + self.name} x where {self.where}{newer}"
        )

    def keys(self, number: int) -> str:
        """The keys of all rows."""
        return (
            f"select {number}::pg_catalog.int4 c, ({self.key}){_TEXT} k, null{_TEXT} p, 0::pg_catalog.int8 w,"
            f" null::pg_catalog.text[] v from {self.source or 'pg_catalog.' + self.name} x where {self.where}"
        )


def _digest(expression: str) -> str:
    return f"pg_catalog.md5({expression}{_TEXT})"


_PAIR = "x.{0}" + _TEXT + " operator(pg_catalog.||) '.' operator(pg_catalog.||) x.{1}" + _TEXT


def _pair(first: str, second: str) -> str:
    return _PAIR.format(first, second)


CATALOGS = (
    Watched(
        "pg_class",
        "relation",
        "x.oid",
        "x.oid",
        {
            "name": "x.relname",
            "schema": "x.relnamespace",
            "owner": "x.relowner",
            "acl": "x.relacl",
            "rls": "x.relrowsecurity",
            "forced": "x.relforcerowsecurity",
            "options": "x.reloptions",
            "identity": "x.relreplident",
            "kind": "x.relkind",
        },
        "x.relkind operator(pg_catalog.=) any ('{r,p,v,m,f,S}'::pg_catalog.\"char\"[])",
    ),
    Watched(
        "pg_attribute",
        "column",
        _pair("attrelid", "attnum"),
        "x.attrelid",
        {"name": "x.attname", "acl": "x.attacl", "null": "x.attnotnull", "dropped": "x.attisdropped"},
        "x.attnum operator(pg_catalog.>) 0 and x.attrelid operator(pg_catalog.>=) 16384::pg_catalog.oid",
    ),
    Watched(
        "pg_policy",
        "policy",
        "x.oid",
        "x.polrelid",
        {
            "name": "x.polname",
            "command": "x.polcmd",
            "permissive": "x.polpermissive",
            "roles": "x.polroles",
            "using": _digest("x.polqual"),
            "check": _digest("x.polwithcheck"),
        },
    ),
    Watched(
        "pg_proc",
        "function",
        "x.oid",
        "x.oid",
        {
            "name": "x.proname",
            "schema": "x.pronamespace",
            "owner": "x.proowner",
            "acl": "x.proacl",
            "definer": "x.prosecdef",
            "settings": "x.proconfig",
            "body": _digest(f"x.prosrc{_TEXT} operator(pg_catalog.||) coalesce(x.prosqlbody{_TEXT}, '')"),
            "returns": "x.prorettype",
            "volatility": "x.provolatile",
            "leakproof": "x.proleakproof",
        },
        _USERS,
    ),
    Watched(
        "pg_namespace",
        "schema",
        "x.oid",
        "x.oid",
        {"name": "x.nspname", "owner": "x.nspowner", "acl": "x.nspacl"},
        "x.nspname operator(pg_catalog.!~) '^pg_(temp|toast)'",
    ),
    Watched(
        "pg_default_acl",
        "default",
        "x.oid",
        "x.defaclnamespace",
        {"role": "x.defaclrole", "objects": "x.defaclobjtype", "acl": "x.defaclacl"},
    ),
    Watched(
        "pg_rewrite",
        "rule",
        "x.oid",
        "x.ev_class",
        {"name": "x.rulename", "event": "x.ev_type", "enabled": "x.ev_enabled", "action": _digest("x.ev_action")},
        _USERS,
    ),
    Watched(
        "pg_trigger",
        "trigger",
        "x.oid",
        "x.tgrelid",
        {"name": "x.tgname", "function": "x.tgfoid", "type": "x.tgtype", "enabled": "x.tgenabled"},
        "not x.tgisinternal",
    ),
    Watched("pg_inherits", "child", _pair("inhrelid", "inhparent"), "x.inhrelid", {"parent": "x.inhparent"}),
    Watched(
        "pg_publication",
        "publication",
        "x.oid",
        "x.oid",
        {"name": "x.pubname", "all": "x.puballtables", "owner": "x.pubowner"},
        whole=True,
    ),
    Watched(
        "pg_publication_rel",
        "published",
        _pair("prpubid", "prrelid"),
        "x.prrelid",
        {"publication": "x.prpubid"},
        whole=True,
    ),
    Watched(
        "pg_publication_namespace",
        "published",
        _pair("pnpubid", "pnnspid"),
        "x.pnnspid",
        {"publication": "x.pnpubid"},
        whole=True,
    ),
    Watched(
        "pg_foreign_server",
        "server",
        "x.oid",
        "x.oid",
        {"name": "x.srvname", "owner": "x.srvowner", "acl": "x.srvacl", "options": "x.srvoptions"},
        whole=True,
    ),
    # Its passwords keep the catalog itself from who is no superuser.
    Watched(
        "pg_authid",
        "role",
        "x.oid",
        "x.oid",
        {
            "name": "x.rolname",
            "superuser": "x.rolsuper",
            "inherit": "x.rolinherit",
            "login": "x.rolcanlogin",
            "bypass": "x.rolbypassrls",
            "create": "x.rolcreaterole",
        },
        whole=True,
        source="pg_catalog.pg_roles",
    ),
    Watched(
        "pg_auth_members",
        "member",
        _pair("roleid", "member"),
        "x.roleid",
        {"member": "x.member", "admin": "x.admin_option"},
        whole=True,
    ),
    Watched(
        "pg_db_role_setting",
        "setting",
        _pair("setdatabase", "setrole"),
        "x.setrole",
        {"settings": "x.setconfig"},
        whole=True,
    ),
)

BUCKETS = Watched("buckets", "bucket", "x.id", "x.id", {"public": "x.public"}, whole=True, source="storage.buckets")
"""No catalog, but who may read what is in a bucket stands in it. Read only as its owner or as `postgres`."""
