"""What was meant, against what there is: names, conditions, comments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog import Platform
from rlsaudit.catalog.platform import SUPABASE_SYSTEM_SCHEMAS
from rlsaudit.errors import IntentError, UsageError
from rlsaudit.intent import BUILT_IN_PERSONAS, Names, Remark, refuse_unknown, unknown_names
from rlsaudit.model import Skipped
from rlsaudit.policy.tree import expression
from rlsaudit.rules import all_rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rlsaudit.catalog import Catalog
    from rlsaudit.intent import Intent
    from rlsaudit.model import Persona


def must_exist(catalog: Catalog, schemas: Iterable[str]) -> None:
    """Looks whether the schemas are there.

    Raises:
        UsageError: one is not.
    """
    known = {one.name for one in catalog.snapshot.schemas}
    for schema in schemas:
        if schema not in known:
            raise UsageError(
                f"There is no schema {schema!r} in this database.", hint=f"It has: {', '.join(sorted(known))}."
            )


def must_be_sql(intent: Intent) -> None:
    """Looks whether the intent's conditions are expressions.

    Raises:
        IntentError: one is none.
    """
    for one in intent.allowances:
        if one.where is not None and expression(one.where) is None:
            raise IntentError(
                f"{one.place}, where: {one.where!r} is no condition in SQL.",
                hint="Write what stands behind WHERE: published and deleted_at is null.",
            )


def remarks(catalog: Catalog, platform: Platform) -> tuple[Remark, ...]:
    """What comments say of intent, on what is the project's own and no extension's or the platform's."""
    found: list[Remark] = []
    for one in catalog.snapshot.comments:
        if one.function:
            function = catalog.functions[one.function]
            kind, name, extension = "function", catalog.function_identity(function), function.extension
            schema = catalog.schemas[function.schema].name
        else:
            relation = catalog.relations[one.relation]
            kind, name, extension = (
                ("column" if one.column else "relation"),
                catalog.identity(relation),
                relation.extension,
            )
            schema = catalog.schema_name(relation)
        if extension is None and not (platform is Platform.SUPABASE and schema in SUPABASE_SYSTEM_SCHEMAS):
            found.append(Remark(kind, name, one.text))
    return tuple(found)


def unnamed(
    intent: Intent, catalog: Catalog, platform: Platform, personas: Iterable[Persona], *, partial: bool
) -> list[Skipped]:
    """The names of the intent that nothing here has.

    Raises:
        IntentError: a name is misspelt, unless what it names may be missing here.
    """
    names = Names(
        relations=tuple(catalog.identity(one) for one in catalog.snapshot.relations),
        personas=(
            *BUILT_IN_PERSONAS.get(platform.value, ()),
            *(one.name for one in personas),
            *(one.name for one in catalog.snapshot.roles),
        ),
        functions=tuple(catalog.function_identity(one) for one in catalog.snapshot.functions),
        rules=tuple(all_rules()),
    )
    unknown = unknown_names(intent, names)
    left = unknown if partial else refuse_unknown(unknown)
    return [Skipped(f"intent for {one.name}", f"no {one.kind} here has that name") for one in left]
