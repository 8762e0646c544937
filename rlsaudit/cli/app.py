"""The commands as one application, and what typer would do otherwise than the contract says."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from rlsaudit import __version__
from rlsaudit.cli import (
    audit,
    auditor_role,
    check,
    demo,
    diff,
    engine,
    explain,
    fix,
    generate_tests,
    init,
    matrix,
    rules,
    snapshot,
)
from rlsaudit.cli.exits import CLEAN, COULD_NOT_AUDIT
from rlsaudit.cli.failures import AuditInterruptedError, OutputClosedError, describe_usage

app = typer.Typer(
    name="rlsaudit",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
"""For `run`; whoever calls it directly gets typer's exit codes."""


def _version(asked: bool) -> None:  # noqa: FBT001 — typer's callback
    if asked:
        typer.echo(f"rlsaudit {__version__}")
        raise typer.Exit


@app.callback()
def _rlsaudit(
    *, version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False
) -> None:
    """Audits who can read or write what in a Postgres or Supabase database, and proves it.

    `rlsaudit demo` shows it at work, `rlsaudit audit URL` does it to a database of yours, which it only reads.
    """


for command in (
    audit,
    check,
    fix,
    init,
    generate_tests,
    diff,
    matrix,
    explain,
    demo,
    snapshot,
    rules,
    auditor_role,
    engine,
):
    command.register(app)


def run(arguments: Sequence[str]) -> int:
    """Runs a command and returns the exit code.

    Raises:
        AuditError: and whatever else a command raises, an interruption included.
    """
    try:
        code = app(args=list(arguments), prog_name="rlsaudit", standalone_mode=False)
    except AuditInterruptedError:
        raise KeyboardInterrupt from None
    except OutputClosedError:
        raise BrokenPipeError from None
    except typer.Abort:
        raise KeyboardInterrupt from None
    except Exception as error:
        # Its class moves from one version of typer to the next.
        if not hasattr(error, "format_message"):
            raise
        sys.stderr.write(describe_usage(error, arguments))
        return COULD_NOT_AUDIT
    return code if isinstance(code, int) else CLEAN


def _ours(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Keeps typer from making exit codes of its own of an interruption (130) and of a closed pipe (1, a finding's)."""

    @functools.wraps(callback)
    def guarded(*args: object, **options: object) -> object:
        try:
            return callback(*args, **options)
        except KeyboardInterrupt:
            raise AuditInterruptedError from None
        except BrokenPipeError:
            raise OutputClosedError from None

    return guarded


for registered in app.registered_commands:
    if registered.callback is not None:
        registered.callback = _ours(registered.callback)
