"""`rlsaudit rules`: the rules there are."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("rules", short_help="List the rules.")(_rules)


def _rules() -> None:
    """List the rules, worst first. `rlsaudit explain RULE` tells more about one."""
    from tabulate import tabulate  # noqa: PLC0415 — what --help need not wait for

    from rlsaudit.rules import all_rules  # noqa: PLC0415

    ordered = sorted(all_rules().values(), key=lambda one: (-one.severity.rank, one.id))
    rows = [(one.id, one.severity.value, one.summary) for one in ordered]
    typer.echo(tabulate(rows, headers=("rule", "at worst", "what it finds"), maxcolwidths=[None, None, 80]))
