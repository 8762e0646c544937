"""large-object: large objects that roles read or write which do not own them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Reach, Severity
from rlsaudit.names import ident, literal
from rlsaudit.rules.asked import asked_as
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.clients import clients, sends_sql
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rlsaudit.catalog.facts import LargeObjects
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case

_DOES = {"SELECT": "read", "UPDATE": "write"}


def check(case: Case) -> Iterator[Found]:
    """Yields for each owner the large objects that other roles, which send SQL, read or write."""
    found: dict[int, list[tuple[Persona, str, LargeObjects]]] = {}
    for objects in case.catalog.snapshot.large_objects:
        for persona in clients(case):
            role = case.role(persona).oid
            if not sends_sql(case, persona) or case.access.roles.acts_as(role, objects.owner):
                continue
            for privilege in _DOES:
                if case.access.on_large_objects(role, objects, privilege):
                    found.setdefault(objects.owner, []).append((persona, privilege, objects))
    for owner, ways in found.items():
        yield _found(case, owner, ways)


def _found(case: Case, owner: int, ways: list[tuple[Persona, str, LargeObjects]]) -> Found:
    whose = ident(case.access.name(owner))
    number = sum({id(objects): objects.number for _, _, objects in ways}.values())
    objects = f"{number} large {'object' if number == 1 else 'objects'}"
    personas = list(dict.fromkeys(one.name for one, _, _ in ways))
    privileges = list(dict.fromkeys(one for _, one, _ in ways))
    open_to_all = case.catalog.snapshot.large_objects_open
    holders = dict.fromkeys(
        name for one, privilege, group in ways for name in case.holders([one], group.acl, privilege)
    )
    closing = (
        "do $$ begin\n"
        "  execute format('alter database %I set lo_compat_privileges = off', current_database());\nend $$;"
    )
    each = (
        "do $$ declare number oid;\nbegin\n"
        "  for number in select oid from pg_largeobject_metadata"
        f" where lomowner = {literal(whose).strip()}::regrole loop\n"
        f"    execute format('revoke all on large object %s from {_within(holders)}', number);\n"
        "  end loop;\nend $$;"
    )
    query = (
        "select current_setting('lo_compat_privileges') as lo_compat_privileges"
        if open_to_all
        else f"select count(*) from pg_largeobject_metadata where lomowner = {literal(whose).strip()}::regrole"
    )
    return Found(
        finding(
            RULE,
            ObjectRef("role", whose),
            Who(ways[0][0].name, "select" if privileges == ["SELECT"] else "all", Reach.ALL, Reach.NONE),
            title=f"Others get at large objects of {whose}",
            message=(
                f"{listed(personas)} may {listed([_DOES[one] for one in privileges])} {objects} of {whose}"
                + (": lo_compat_privileges is on, and no grant is asked." if open_to_all else ", by their grants.")
            ),
            evidence=asked_as(case, ways[0][0], query, "on" if open_to_all else str(number)),
            fix=closing if open_to_all else each,
        )
    )


def _within(holders: Iterable[str]) -> str:
    """Names as they stand in a format within a literal."""
    return ", ".join(holders).replace("'", "''").replace("%", "%%")


_FILE = """
            do $$ begin perform lo_from_bytea(0, 'contract'); end $$;"""

RULE = Rule(
    id="large-object",
    severity=Severity.LOW,
    summary="Roles read or write large objects that are not theirs.",
    why=(
        "Large objects lie in one catalog of the database, under numbers that are easily counted through. No policy "
        "applies to them, only a list of grants each, and with `lo_compat_privileges` not even that. Whoever sends "
        "SQL gets whole files by `lo_get`."
    ),
    fix="Revoke the grants, turn `lo_compat_privileges` off, or keep files in a table with policies.",
    fine="Files that all of the application's roles may read. Supabase's API has no request for large objects.",
    bad=(
        Example(
            "Granted to everybody",
            f"""{_FILE}
            do $$ declare number oid;
            begin
              select oid into number from pg_largeobject_metadata limit 1;
              execute format('grant select on large object %s to public', number);
            end $$;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "As Postgres had it up to 8.4",
            f"""{_FILE}
            do $$ begin
              execute format('alter database %I set lo_compat_privileges = on', current_database());
            end $$;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
    ),
    good=(
        Example("Whoever made it, and nobody else", _FILE, platform=Platform.POSTGRES, roles=("shop_app",)),
        Example("None at all", "select 1;", platform=Platform.POSTGRES, roles=("shop_app",)),
        Example("On Supabase, where the API has no request for them", _FILE),
    ),
    check=check,
)
