"""`rlsaudit explain RULE`: what a rule finds, why it matters and how to mend it."""

from __future__ import annotations

import difflib
import textwrap
from typing import Annotated

import typer

from rlsaudit.errors import UsageError

_WIDTH = 100


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("explain", short_help="Explain a rule.")(_explain)


def _explain(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="A rule's id, as `rlsaudit rules` lists them.")],
) -> None:
    """Explain a rule: what it finds, what an attacker does with it, how to mend it, and when it is fine."""
    from rlsaudit.rules import all_rules  # noqa: PLC0415 — what --help need not wait for

    rules = all_rules()
    if rule not in rules:
        near = difflib.get_close_matches(rule, rules, n=1)
        hint = f"Did you mean {near[0]}?" if near else "`rlsaudit rules` lists them."
        raise UsageError(f"There is no rule {rule!r}.", hint=hint)
    found = rules[rule]
    typer.echo(f"{found.id} ({found.severity.value} at worst)\n")
    for title, text in (
        ("What", found.summary),
        ("Why it matters", found.why),
        ("How to mend it", found.fix),
        ("When it is fine", found.fine),
    ):
        typer.echo(f"{title}\n{textwrap.indent(textwrap.fill(text, _WIDTH - 2, break_on_hyphens=False), '  ')}\n")
    for title, examples in (("A schema with the fault", found.bad[:1]), ("One without", found.good[:1])):
        for example in examples:
            typer.echo(f"{title}: {example.name}\n{textwrap.indent(textwrap.dedent(example.sql).strip(), '    ')}\n")
