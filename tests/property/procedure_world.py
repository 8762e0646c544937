"""Random plpgsql bodies over one small table, and a path's conditions and values as SQL that a server evaluates."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from pglast import ast
from pglast.visitors import Visitor

from rlsaudit.policy import tree
from rlsaudit.policy.procedure import lookup
from rlsaudit.policy.procedure.path import Argument, Changed, Computed, Exists, FirstRow, Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rlsaudit.policy.procedure.path import Bindings, Bound, Condition
    from rlsaudit.policy.tree import Node

SKELETON = """
create table public.t (id integer primary key, k integer);
insert into public.t values (0, 1), (1, 1), (2, null), (3, 0);
"""
NUMBERS = (None, 0, 1, 3, 7)
_NAMES = ("a", "b", "p", "q", "r.k", "l.a")


def _query(value: str) -> str:
    return f"public.t where {value} order by id"


_leaf = st.one_of(st.sampled_from(_NAMES), st.sampled_from(["0", "1", "2", "null::integer"]))
_number = st.one_of(
    _leaf,
    st.builds("({} + {})".format, _leaf, _leaf),
    st.builds("coalesce({}, {})".format, _leaf, _leaf),
    st.builds("(select count(*)::int from public.t where k = {})".format, _leaf),
    st.builds("(select k from public.t where id = {})".format, _leaf),
)
_test = st.one_of(
    st.sampled_from(["found", "not found"]),
    st.builds("{} {} {}".format, _number, st.sampled_from(["=", "<", "is distinct from"]), _number),
    st.builds("{} is null".format, _number),
    st.builds("exists (select 1 from public.t where k = {})".format, _leaf),
    st.builds("count(*) > {} from public.t where k = {}".format, st.sampled_from("01"), _leaf),
)
_condition = st.one_of(_test, st.builds("not ({} = {})".format, _leaf, _leaf))
_where = st.builds("{} {} {}".format, st.sampled_from(["id", "k"]), st.sampled_from(["=", ">"]), _leaf)
_plain = st.one_of(
    st.builds("{} := {};".format, st.sampled_from(["a", "b", "p", "r.k", "l.a", "$2"]), _number),
    st.builds("select k, id into a, b from {};".format, _where.map(_query)),
    st.builds("select k into b from {};".format, _where.map(_query)),
    st.builds("select * into r from {};".format, _where.map(_query)),
    st.builds("select k into strict a from public.t where id = {};".format, _leaf),
    st.builds("perform 1 from public.t where {};".format, _where),
    st.builds("execute 'select k from public.t where id = $1' into b using {};".format, _leaf),
    st.just("raise notice 'n %', a;"),
)
_end = st.one_of(
    st.builds("return {};".format, _number),
    st.sampled_from(["return a;", "return b;", "raise exception 'no';", "raise sqlstate '42501' using message = 'x';"]),
)


def _several(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(inner, min_size=1, max_size=3).map(" ".join)


def _larger(inner: st.SearchStrategy[str], *, loops: bool) -> st.SearchStrategy[str]:
    some = _several(inner)
    shapes = [
        st.builds("if {} then {} end if;".format, _condition, some),
        st.builds("if {} then {} elsif {} then {} else {} end if;".format, _condition, some, _condition, some, some),
        st.builds("case {} when {}, 1 then {} else {} end case;".format, _number, _leaf, some, some),
        st.builds("case when {} then {} end case;".format, _condition, some),
        st.builds("declare a integer := {}; begin {} end;".format, _number, some),
        st.builds(
            "begin {} exception when {} then {} end;".format,
            some,
            st.sampled_from(["others", "raise_exception", "no_data_found", "insufficient_privilege or case_not_found"]),
            some,
        ),
    ]
    if loops:
        shapes += [
            st.builds("for p in 1..2 loop {} end loop;".format, some),
            st.builds("for r in select * from {} loop {} end loop;".format, _where.map(_query), some),
            st.builds("for n in 1..3 loop {} exit when {}; {} end loop;".format, some, _condition, some),
        ]
    return st.one_of(*shapes)


def _bodies(*, loops: bool) -> st.SearchStrategy[str]:
    statements = st.recursive(st.one_of(_plain, _plain, _end), lambda inner: _larger(inner, loops=loops), max_leaves=8)
    return st.builds(
        (
            "<<l>> declare a integer := {}; b integer; r record; "
            "begin select * into r from public.t where id = {}; {} {} end"
        ).format,
        st.sampled_from(["0", "p", "(q + 1)", "(select count(*)::int from public.t where k = p)"]),
        _leaf.filter(lambda one: one != "r.k"),
        st.lists(statements, min_size=1, max_size=5).map(" ".join),
        st.one_of(_end, st.just("")),
    )


bodies = _bodies(loops=False)
_counted = st.one_of(_condition, st.sampled_from(["a = 1", "a = 2", "a > b", "b = 1", "r.k is null"]))
_counting = st.builds(
    (
        "<<l>> declare a integer := {}; b integer := 0; r record; begin select * into r from public.t where id = 0; "
        "for n in 1..3 loop {} if {} then return 50; end if; {} exit when {}; end loop; "
        "if {} then return 60; end if; return 70; end"
    ).format,
    st.sampled_from(["0", "p"]),
    _plain,
    _counted,
    st.one_of(st.just("a := a + 1;"), _plain),
    _condition,
    _counted,
)
"""Bodies that end elsewhere for what an iteration has left behind."""
looping = st.one_of(_counting, _bodies(loops=True))


class NotKnownError(Exception):
    """The value is one that is not followed."""


@dataclass(frozen=True)
class Rendered:
    """Conditions and values as SQL, for these arguments."""

    arguments: tuple[int | None, ...]

    def condition(self, condition: Condition) -> str:
        """SQL that is true where the condition is met."""
        if isinstance(condition.test, Unknown):
            raise NotKnownError
        test = condition.test
        written = self.bound(test) if isinstance(test, Exists) else self.node(test, condition.bindings)
        return f"({written}) is {'' if condition.holds else 'not '}true"

    def node(self, node: Node, bindings: Bindings) -> str:
        """An expression or query with the values of its variables in it."""
        holder = ast.ResTarget(val=copy.deepcopy(node))
        _Put(self, bindings)(holder)
        return tree.text(holder.val)

    def bound(self, value: Bound, fields: tuple[str, ...] = ()) -> str:
        """A variable's value, or a field of it."""
        match value:
            case Argument(position):
                given = self.arguments[position - 1]
                return f"({'null' if given is None else given}::integer)"
            case Computed(node, bindings, declared):
                written = f"({self.node(node, bindings)})"
                return f"({written}::{declared.type})" if declared.type else written
            case Exists(query, bindings):
                return f"exists ({self.node(query, bindings)})"
            case Changed(whole, field, changed):
                return self.bound(changed) if fields == (field,) else self.bound(whole, fields)
            case FirstRow(query, column, whole, _, bindings):
                names = "" if whole else f"({', '.join(f'c{n}' for n in range(len(query.targetList or ())))})"
                taken = fields[0] if whole else f"c{column}"
                return f"(select x.{taken} from ({self.node(query, bindings)}) x{names} limit 1)"
            case _:
                raise NotKnownError


class _Put(Visitor):
    """Puts values in the place of variables: of these tables no column is called like one."""

    def __init__(self, rendered: Rendered, bindings: Bindings) -> None:
        super().__init__()
        self._rendered = rendered
        self._bindings: Mapping[str, Bound] = bindings

    def visit_ColumnRef(self, _ancestors: object, node: Node) -> Node:  # noqa: N802  named after the node
        return self._put(node)

    def visit_ParamRef(self, _ancestors: object, node: Node) -> Node:  # noqa: N802  named after the node
        return self._put(node)

    def _put(self, node: Node) -> Node:
        found = lookup(node, self._bindings)
        return None if found is None else tree.expression(self._rendered.bound(*found))
