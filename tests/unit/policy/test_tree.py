"""Syntax trees: what is gone through, and what is remembered of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pglast import ast

from rlsaudit.policy import tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.policy.tree import Node

QUERY = """with recursive w (a) as (values (1), (2) union all select a + 1 from w)
select distinct on (t.a) t.*, sum(b) filter (where c like 'x%') over (partition by d order by e desc nulls last),
  case f when 1 then array[g, h[1:2]] else null end, coalesce(i, '1 day'::interval), (select max(j) from u), row(k, l)
from s.t as t (m, n) left join lateral pg_catalog.lower(o) as p on exists (select from v where q = any (array[1])),
  w, json_to_recordset(r) as x (y int, z text), rows from (f(1), g(2)) with ordinality
where a between 1 and 2 and not (b is distinct from c or d is not null) and e in (1, 2) and auth.uid() = current_user
group by grouping sets ((a), ()) having count(*) > 1 window o as (order by a) limit 1 offset 2 for update skip locked"""


@pytest.fixture
def query() -> Node:
    statements = tree.statements(QUERY)
    assert statements is not None
    return statements[0]


def _all_of(node: Node) -> Iterator[Node]:
    """Every node below, whatever it is an attribute of."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, tuple | list):
            waiting.extend(current)
        elif isinstance(current, ast.Node):
            yield current
            waiting.extend(getattr(current, name) for name in current)


def test_no_node_is_left_out_and_the_order_is_that_of_the_attributes(query: Node) -> None:
    found = [id(one) for one in tree.walk(query)]
    assert found == [id(one) for one in _all_of(query)]
    assert len(found) > 150


def test_what_is_mentioned_is_what_stands_there(query: Node) -> None:
    found = tree.mentioned(query)
    assert {"t", "a", "q", "r"} <= found.columns
    assert found.columns.isdisjoint({"y", "m", "auth"})
    assert found.calls >= {("auth", "uid"), ("lower",), ("sum",), ("json_to_recordset",)}
    assert tree.mentioned(query) is found
    assert tree.mentioned(None) == tree.Mentioned(frozenset(), frozenset())


def test_a_node_that_was_written_out_is_written_out_again() -> None:
    node = tree.expression("a = 1 and (b or lower(c) = 'x')")
    assert node is not None
    part = node.args[1]
    written = tree.text(part), tree.text(node)
    assert tuple(tree.text(tree.expression(one)) for one in written) == written
    # What pglast notes on the way is not kept.
    assert {one.ancestors for one in tree.walk(node)} == {None}
