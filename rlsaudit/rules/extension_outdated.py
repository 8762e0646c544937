"""extension-outdated: the server has a newer version of an extension than the database uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Reach, Severity
from rlsaudit.names import ident, literal
from rlsaudit.rules.asked import asked_as
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.rule import Example, Found, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Extension
    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields extensions that are behind the server's files, where the server is the project's own."""
    for one in case.catalog.snapshot.extensions:
        behind = one.available is not None and _parts(one.version) < _parts(one.available)
        if behind and not case.stands_in and case.personas:
            yield _found(case, one)


def _parts(version: str) -> tuple[tuple[int, str], ...]:
    """A version for comparing: numbers by what they are worth, before words."""
    return tuple((int(one), "") if one.isdigit() else (-1, one) for one in version.replace("-", ".").split("."))


def _found(case: Case, extension: Extension) -> Found:
    name = ident(extension.name)
    query = f"select extversion from pg_extension where extname = {literal(extension.name).strip()}"
    return Found(
        finding(
            RULE,
            ObjectRef("extension", name),
            Who("public", "all", Reach.ALL, Reach.NONE),
            title=f"Extension {name} is behind: {extension.version}, and the server has {extension.available}",
            message=(
                f"The server's files of {name} are of version {extension.available}, and this database uses the "
                f"functions of {extension.version}: what was mended between them, it still has."
            ),
            evidence=asked_as(case, case.personas[0], query, extension.version),
            fix=f"alter extension {name} update;",
        )
    )


RULE = Rule(
    id="extension-outdated",
    severity=Severity.LOW,
    summary="The database uses an older version of an extension than the server has installed.",
    why=(
        "An upgrade of the server brings new files for its extensions, and no database uses them until it is told to. "
        "Fixes of grants, of search_path and of functions with their owner's rights are in the scripts that it runs "
        "then."
    ),
    fix="`alter extension … update` runs the scripts in between. Read the extension's notes on versions first.",
    fine="Where an application needs the older version: suppress it. For `check` the server is one of rlsaudit's.",
    bad=(
        Example("Two versions behind", "create extension hstore with schema extensions version '1.4';"),
        Example(
            "On plain Postgres",
            "create extension pg_trgm version '1.3';",
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
    ),
    good=(
        Example("As new as the server's files", "create extension hstore with schema extensions;"),
        Example(
            "Updated",
            """
            create extension hstore with schema extensions version '1.4';
            alter extension hstore update;
            """,
        ),
        Example("What a project comes with", "select 1;"),
    ),
    check=check,
)
