"""What an audit could leave behind in a server, to be compared before and after it."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING, Any

from installations import DUMPED
from psycopg.conninfo import make_conninfo

from rlsaudit.engine import EngineRequest
from rlsaudit.engine.programs import dumper

if TYPE_CHECKING:
    import psycopg

SECONDS = 30
_OTHERS = (
    "select pid, application_name, state, wait_event_type, left(query, 200) from pg_stat_activity"
    " where backend_type = 'client backend' and datname = current_database() and pid <> pg_backend_pid()"
)
_HELD = (
    "select pid, locktype, mode from pg_locks where pid <> pg_backend_pid() and database is not null"
    " and pid is not null and locktype in ('relation', 'tuple', 'advisory')"
)
_RELATIONS = "select oid::regclass::text, relkind from pg_class where relkind in ('r', 'm', 'S') order by oid"
_NOTED = frozenset({"pg_statistic", "pg_class"})
"""Catalogs in which autovacuum notes what it has seen."""


def state(admin: psycopg.Connection[Any]) -> dict[str, object]:
    """What there is: the rows of all tables, catalogs too, with the roles; sequences; settings; what is prepared."""
    found: dict[str, object] = {}
    for name, kind in admin.execute(_RELATIONS).fetchall():
        if kind == "S":
            found[name] = admin.execute(f"select last_value, is_called from {name}").fetchall()
        elif name not in _NOTED:
            rows = "md5(coalesce(string_agg(t::text, ',' order by t::text), ''))"
            found[name] = admin.execute(f"select count(*), {rows} from {name} t").fetchall()
    return found | _of_the_server(admin)


def traces(admin: psycopg.Connection[Any]) -> dict[str, object]:
    """What even a write that was rolled back changes: system columns, counters, the next transaction id.

    The table's readers must find nothing to note in it: `vacuum freeze` sees to that.
    """
    found: dict[str, object] = {}
    for name, kind in admin.execute(_RELATIONS).fetchall():
        if kind == "S":
            found[name] = admin.execute(f"select last_value, log_cnt, is_called from {name}").fetchall()
        else:
            rows = "md5(coalesce(string_agg(row(t.xmin, t.xmax, t.ctid, t)::text, ',' order by t.ctid), ''))"
            found[name] = admin.execute(f"select count(*), {rows} from {name} t").fetchall()
    found["next transaction"] = admin.execute("select pg_snapshot_xmax(pg_current_snapshot())::text").fetchall()
    found["locks of others"] = admin.execute(_HELD).fetchall()
    found["counters"] = admin.execute(
        "select schemaname, relname, n_tup_ins, n_tup_upd, n_tup_del from pg_stat_all_tables"
        " where n_tup_ins + n_tup_upd + n_tup_del > 0 order by 1, 2"
    ).fetchall()
    return found | _of_the_server(admin)


def _of_the_server(admin: psycopg.Connection[Any]) -> dict[str, object]:
    return {
        "settings": admin.execute("select name, setting from pg_settings order by name").fetchall(),
        "prepared transactions": admin.execute("select gid from pg_prepared_xacts").fetchall(),
        "replication slots": admin.execute("select slot_name from pg_replication_slots").fetchall(),
    }


def alone(admin: psycopg.Connection[Any], seconds: float = SECONDS) -> None:
    """Waits until no other session is in the database, nor any lock of one."""
    until = time.monotonic() + seconds
    while (others := admin.execute(_OTHERS).fetchall()) and time.monotonic() < until:
        time.sleep(0.02)
    assert others == []
    assert admin.execute(_HELD).fetchall() == []


def settled(admin: psycopg.Connection[Any]) -> dict[str, object]:
    """The traces once no other session is there, whose counters come when it ends."""
    alone(admin)
    admin.execute("select pg_stat_clear_snapshot()")
    return traces(admin)


def dump(admin: psycopg.Connection[Any]) -> str:
    """The database as `pg_dump` writes it down, rows and values of sequences too; nothing where there is none for it.

    That is of the newest major, whose package has none; `state` reads the same by itself.
    """
    major = admin.info.server_version // 10_000
    if major > DUMPED:
        return ""
    info = admin.info
    conninfo = make_conninfo(host=info.host, port=info.port, user=info.user, dbname=info.dbname)
    program = dumper(major, EngineRequest()).path
    done = subprocess.run(  # noqa: S603 — a program that was looked for, no shell
        [program, "--dbname", conninfo], capture_output=True, encoding="utf-8", check=True, timeout=SECONDS
    )
    # It marks where psql is kept to data by a word that it makes up each time.
    return "\n".join(one for one in done.stdout.splitlines() if not one.startswith(("\\restrict", "\\unrestrict")))
