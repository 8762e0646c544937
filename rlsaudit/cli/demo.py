"""`rlsaudit demo`: an audit that needs no database, for it brings its own."""

from __future__ import annotations

import contextlib
import importlib
import threading

import typer

from rlsaudit.cli.options import (
    TEXT,
    EngineName,
    EngineUrl,
    FormatName,
    Major,
    OutputFile,
    PgBin,
    engine_request,
    known_format,
)
from rlsaudit.cli.output import can_be_saved, deliver, progress, say
from rlsaudit.cli.receipt import ReceiptFile, witness

_OWNER = "postgres"
"""The role that a Supabase project's owner connects as: no superuser, so that the demo shows what they will see."""
_LATER = ("rlsaudit.audit", "rlsaudit.report.text")


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("demo", short_help="Audit a vulnerable app in a throwaway Postgres.")(_demo)


def _demo(
    *,
    engine: EngineName = None,
    engine_url: EngineUrl = None,
    pg_bin: PgBin = None,
    major: Major = None,
    format_name: FormatName = TEXT,
    output: OutputFile = None,
    receipt: ReceiptFile = None,
) -> None:
    """Audit a small vulnerable app in a throwaway Postgres.

    Nothing is left behind. Exit code 0: the faults are planted, and finding them is what should happen.
    """
    known_format(format_name)
    can_be_saved(output)
    seen = witness(receipt, "write")
    from rlsaudit.engine import start  # noqa: PLC0415 — first what starts Postgres, the rest while it starts

    meanwhile = threading.Thread(target=_load, daemon=True)
    meanwhile.start()
    with progress("Auditing the demo app") as tell, start(engine_request(engine, engine_url, pg_bin, major)) as server:
        import psycopg  # noqa: PLC0415

        from rlsaudit import demo  # noqa: PLC0415
        from rlsaudit.connect import connect  # noqa: PLC0415

        dsn = server.supabase_database("kilnhouse")
        with psycopg.connect(dsn, autocommit=True) as connection:
            demo.load(connection)
        meanwhile.join()
        from rlsaudit.audit import Options, audit  # noqa: PLC0415

        with connect(server.dsn("kilnhouse", user=_OWNER)) as session, seen(session):
            report = audit(session, Options(progress=tell, throwaway=True))
        taken = f"{server.version}, {server.provider}"
    deliver(report, format_name, output)
    if format_name == TEXT and output is None:
        say(
            "\nThis was the demo: a small app with planted faults, in a throwaway Postgres\n"
            f"({taken}), which is gone again.\n"
            "Audit your own database with `rlsaudit audit postgresql://…`; it is only read.\n"
        )


def _load() -> None:
    """Loads what the audit needs; what does not load fails once more where it is used, and is told there."""
    with contextlib.suppress(Exception):
        for module in _LATER:
            importlib.import_module(module)
