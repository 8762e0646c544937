"""`rlsaudit auditor-role`: SQL for the least role to audit with."""

from __future__ import annotations

from typing import Annotated

import typer

from rlsaudit.cli.output import say
from rlsaudit.errors import UsageError

_SUPABASE = ("anon", "authenticated")
_LONGEST = 63


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("auditor-role", short_help="Print SQL for a role to audit with.")(_auditor_role)


def _auditor_role(
    *,
    name: Annotated[str, typer.Option(metavar="NAME", help="What to call it.")] = "rlsaudit_auditor",
    role: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A role to audit as, instead of Supabase's anon and authenticated. Repeatable."
        ),
    ] = None,
    bypass_rls: Annotated[
        bool, typer.Option("--bypass-rls", help="Let it count and read every row, for evidence with totals.")
    ] = False,
) -> None:
    """Print the SQL that creates a role to audit with, and says what each statement is for.

    The role reads the catalog, as every role may, and takes the personas' places. Nothing is run: read it first.
    """
    from rlsaudit.connect.auditor import auditor_role  # noqa: PLC0415 — what --help need not wait for

    for one in (name, *(role or ())):
        # A line break would end the comments that the name stands in.
        if not one or not one.isprintable() or len(one.encode()) > _LONGEST:
            raise UsageError(
                f"{one!r} is no name of a role.", hint=f"A name has 1 to {_LONGEST} bytes, all of which can be printed."
            )
    say(auditor_role(name, role or _SUPABASE, bypass_rls=bypass_rls))
