"""`rlsaudit engine`: which throwaway Postgres would be taken, and why."""

from __future__ import annotations

import typer

from rlsaudit.cli.options import EngineName, EngineUrl, Major, PgBin, engine_request


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("engine", short_help="Show which throwaway Postgres would be taken.")(_engine)


def _engine(
    *, engine: EngineName = None, engine_url: EngineUrl = None, pg_bin: PgBin = None, major: Major = None
) -> None:
    """Show which throwaway Postgres `demo` and other commands would take, and why."""
    from tabulate import tabulate  # noqa: PLC0415 — what --help need not wait for

    from rlsaudit.engine import candidates, choose  # noqa: PLC0415
    from rlsaudit.report.escape import printable  # noqa: PLC0415

    request = engine_request(engine, engine_url, pg_bin, major)
    listed = candidates(request)
    taken = next((one for one in listed if one.usable or one.explicit), None)
    rows = [
        ("→" if one is taken and one.usable else "", one.provider, one.version or "", printable(one.reason))
        for one in listed
    ]
    typer.echo(
        tabulate(
            rows, headers=("", "from", "version", "why"), disable_numparse=True, maxcolwidths=[None, None, None, 70]
        )
    )
    choose(request)
