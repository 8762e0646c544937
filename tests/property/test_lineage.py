"""What a view shows, as the server shows it: each value in it is a value of a column that lineage names.

Every value in the tables tells which column it stands in, so where it turns up in a view is seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, note
from lineage_queries import views
from lineage_shapes import SHAPES
from lineage_world import SKELETON, in_short, origins_of, seen

from rlsaudit.connect import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lineage_queries import Query

    from rlsaudit.connect import Session
    from rlsaudit.engine import Server

DATABASE = "random_lineage"


@pytest.fixture(scope="module")
def session(server: Server) -> Iterator[Session]:
    with connect(server.create_database(DATABASE)) as admin:
        admin.execute(SKELETON)
        yield admin
    server.drop_database(DATABASE)


def _parts(expected: str) -> tuple[set[str], set[str]]:
    words = expected.split()
    return {one for one in words if not one.startswith("~")}, {one[1:] for one in words if one.startswith("~")}


@pytest.mark.parametrize("kind", ["view", "materialized view"])
@pytest.mark.parametrize("name", SHAPES)
def test_shapes(session: Session, name: str, kind: str) -> None:
    sql, expected = SHAPES[name]
    with session.rolled_back():
        session.execute(f"create {kind} s.v as {sql}")
        catalog, origins = origins_of(session, "s.v")
        shown = seen(session, "s.v", origins)
    assert list(origins) == list(expected)
    for column, origin in origins.items():
        assert shown[column] <= in_short(catalog, origin.columns)
    found = {
        column: (in_short(catalog, one.plain), in_short(catalog, one.computed)) if one.known else None
        for column, one in origins.items()
    }
    assert found == {column: None if one is None else _parts(one) for column, one in expected.items()}


def test_a_query_in_a_text_is_not_known(session: Session) -> None:
    with session.rolled_back():
        session.execute("create view s.v as select query_to_xml('select word from s.secrets', true, false, '') as a")
        _, origins = origins_of(session, "s.v")
        assert seen(session, "s.v", origins) == {"a": {"secrets.word"}}
    assert not origins["a"].known


@pytest.mark.parametrize(("kind", "counts"), [("view", set[str]()), ("materialized view", {"secrets.hint"})])
def test_a_function_reads_as_its_caller(session: Session, kind: str, counts: set[str]) -> None:
    """Whoever reads the view could as well read the table, but for what was stored."""
    with session.rolled_back():
        session.execute(
            "create function s.hints() returns setof text language sql stable as 'select hint from s.secrets';"
            f"create {kind} s.inner as select h from s.hints() h; create view s.v as select i.h as a from s.inner i"
        )
        catalog, origins = origins_of(session, "s.v")
    assert in_short(catalog, origins["a"].columns) == counts


@given(made=views())
def test_random_views(session: Session, made: list[tuple[str, str, Query]]) -> None:
    statements = [f"create {kind} {name} as {query.sql}" for kind, name, query in made]
    note(";\n".join(statements))
    _, view, query = made[-1]
    with session.rolled_back():
        session.execute(";".join(statements))
        note(str(session.fetch_value(f"select pg_get_viewdef('{view}'::regclass)")))
        catalog, origins = origins_of(session, view)
        shown = seen(session, view, origins)
    for output, origin in zip(query.outputs, origins.values(), strict=True):
        assert shown[output.name] <= in_short(catalog, origin.columns)
        assert origin.known
        assert in_short(catalog, origin.columns) == set(output.made_of)
        if output.plain:
            assert in_short(catalog, origin.plain) == output.made_of
