"""Evidence that is a question to the catalog, put as the persona that it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Evidence, EvidenceKind
from rlsaudit.names import literal
from rlsaudit.probe.request import settings, transcript

if TYPE_CHECKING:
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case


def asked_as(case: Case, persona: Persona, query: str, result: str) -> Evidence:
    """Returns the transcript in which `query`, sent as the persona, shows what the snapshot says: `result`."""
    return Evidence(EvidenceKind.CATALOG, transcript(settings(case.catalog, case.platform, persona), query), result)


def holds_on(case: Case, relation: Relation, *privileges: str, columns: bool = False) -> str:
    """Returns a query for whether the role that asks holds privileges on the relation: one column for each of them.

    By names and not as `regclass`, for that needs USAGE of the schema. With `columns` a grant of any column counts.
    """
    function = "has_any_column_privilege" if columns else "has_table_privilege"
    schema, name = (literal(one).strip() for one in (case.catalog.schema_name(relation), relation.name))
    shown = ", ".join(f"{function}(c.oid, '{one}') as {one.lower()}" for one in privileges)
    return (
        f"select {shown} from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        f" where n.nspname = {schema} and c.relname = {name}"
    )
