"""The predicate that Postgres puts before a persona's rows: policies combined, parsed, and given their columns.

Combination as in src/backend/rewrite/rowsecurity.c: permissive policies are ORed, restrictive ones ANDed, and where no
permissive one applies nothing passes. A policy without the expression that is asked for contributes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial, reduce
from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import Operation
from rlsaudit.policy.body import body_of
from rlsaudit.policy.columns import describe
from rlsaudit.policy.database import Memory, Worded
from rlsaudit.policy.expr import sources, walk
from rlsaudit.policy.flaws import Circles
from rlsaudit.policy.formula import FALSE, TRUE, And, Atom, AtomKind, Formula, Or
from rlsaudit.policy.helpers import defaults, helper_of, own_names
from rlsaudit.policy.parse import parse
from rlsaudit.policy.query import read_query
from rlsaudit.policy.read import read
from rlsaudit.policy.renamed import in_words, mentions, nameless, with_name
from rlsaudit.policy.values import UNDERSTOOD, Scope
from rlsaudit.reach.alike import Alike
from rlsaudit.reach.twins import Twins

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from rlsaudit.access import Access
    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Function, Policy, Relation
    from rlsaudit.model import Persona
    from rlsaudit.policy.expr import Expr
    from rlsaudit.policy.helpers import Helper
    from rlsaudit.policy.scalar import Column

_BODIES_OF_HELPERS = {
    ("auth", "uid"): "request.jwt.claim",
    ("auth", "role"): "request.jwt.claim",
    ("auth", "email"): "request.jwt.claim",
    ("auth", "jwt"): "request.jwt.claim",
    ("storage", "foldername"): "string_to_array",
    ("storage", "filename"): "string_to_array",
    ("storage", "extension"): "",
}
"""Supabase's helpers are known by name; one whose body lacks this text is somebody else's and stays opaque."""

_SET = "set_config"
_CLIENTS_PATH = ("public", "extensions")
"""Where names are looked for in a request: Supabase's served schema and its extra search path."""


@dataclass(frozen=True, slots=True)
class _Combined:
    """The policies of a table (an OID) for one persona and statement; `parts` are what stands for their texts.

    Those are expressions over tables (OIDs), in whose words the formula is: `names` are those that it mentions.
    """

    table: int
    formula: Formula
    parts: tuple[tuple[int, str], ...]
    names: frozenset[str]


class Predicates:
    """Row-level security of one snapshot as formulas, parsed once for each persona and expression."""

    def __init__(self, access: Access, platform: Platform) -> None:
        self._access = access
        self._catalog = access.catalog
        self._columns: dict[int, Mapping[str, Column]] = {}
        self._parsed: dict[tuple[str, int, int, str], Formula] = {}
        self._shared: dict[tuple[str, int, int, str], tuple[int, str]] = {}
        self._worded: dict[tuple[int, int], Formula] = {}
        self._read: dict[tuple[str, int, int, str], frozenset[int]] = {}
        self._combinations: dict[tuple[object, ...], Formula] = {}
        self._of_twins: dict[tuple[object, ...], _Combined] = {}
        self._of_statements: dict[tuple[object, ...], _Combined] = {}
        self._alike = Alike(self._catalog)
        self.twins = Twins(self._catalog, self._alike)
        self.circles = Circles(access)
        self.memory = Memory()
        self._seen: dict[tuple[str, int, int], Formula] = {}
        self._setting: dict[str, bool] = {}
        self._mentioned: dict[tuple[int, frozenset[str]], frozenset[str]] = {}
        self._called: defaultdict[str, list[Function]] = defaultdict(list)
        for one in self._catalog.snapshot.functions:
            if one.extension is None:
                self._called[one.name].append(one)
        self._trusted = self._trusted_helpers() if platform is Platform.SUPABASE else frozenset()
        self._helpers = self._own_helpers()

    def using(self, persona: Persona, role: int, relation: Relation, operation: Operation) -> Formula:
        """Returns which existing rows `operation` sees as `role`, with the persona's identity."""
        return self._combined(persona, role, relation, operation, checking=False)

    def check(self, persona: Persona, role: int, relation: Relation, operation: Operation) -> Formula:
        """Returns which new rows `operation` may write as `role`, with the persona's identity."""
        return self._combined(persona, role, relation, operation, checking=True)

    def alone(self, persona: Persona, relation: Relation, text: str) -> Formula:
        """Returns one expression of a policy over the relation, with the persona's identity."""
        role = self._catalog.roles_by_name[persona.role].oid
        part = self.stands_for(persona, role, relation, text)
        formula = self._parsed[persona.name, role, *part]
        return self._in_words_of(relation, formula, self._mentioned_by(formula, (part,)))

    def conditions(self, personas: Iterable[Persona]) -> Iterator[tuple[int, Expr]]:
        """Yields each expression of each policy as the personas' requests have it, behind the relation it is about."""
        for persona in personas:
            for policy in self._catalog.snapshot.policies:
                for text in filter(None, (policy.using, policy.check)):
                    scope = self.scope(persona, self._catalog.relations[policy.relation])
                    yield policy.relation, read(parse(text, scope))

    @property
    def catalog(self) -> Catalog:
        """The catalog that all of this is about."""
        return self._catalog

    def scope(self, persona: Persona, relation: Relation, role: int = 0) -> Scope:
        """Returns what names mean in expressions over `relation`; `role` is whose rights count, else the persona's."""
        role = role or self._catalog.roles_by_name[persona.role].oid
        return Scope(
            persona,
            relation.name,
            self.columns(relation),
            self._trusted,
            self._helpers,
            role=role,
            database=self,
            table=relation.oid,
        )

    def nowhere(self, persona: Persona, role: int) -> Scope:
        """Returns what names mean where there is no row; `role` is whose rights count."""
        return Scope(persona, trusted=self._trusted, helpers=self._helpers, role=role, database=self)

    def seen(self, persona: Persona, role: int, relation: Relation) -> Formula:
        """Returns which rows a query by `role` sees, with the persona's identity: always true without RLS."""
        key = (persona.name, role, relation.oid)
        if key not in self._seen:
            applies = self._access.rls_applies(role, relation)
            self._seen[key] = self.using(persona, role, relation, Operation.SELECT) if applies else TRUE
        return self._seen[key]

    def may_read(self, role: int, relation: Relation, columns: Collection[str]) -> bool:
        """Whether the role may SELECT these columns of the relation."""
        if self._access.on_table(role, relation, "SELECT"):
            return True
        granted = {one.name for one in self._access.columns(role, relation, "SELECT")}
        return bool(granted) and set(columns) <= granted

    def find(self, name: tuple[str, ...], path: tuple[str, ...]) -> Relation | None:
        """Returns the relation of that name; None where that is not certain.

        A temporary table comes before those of any path (https://www.postgresql.org/docs/current/ddl-schemas.html),
        which is a way of its own to get past a policy and not looked at here.
        """
        if len(name) > 1:
            return self._catalog.relations_by_name.get((name[-2], name[-1]))
        if path == _CLIENTS_PATH:
            # Which schema comes first is the client's choice, so the name has to be the only one.
            alike = [one for one in self._catalog.snapshot.relations if one.name == name[0] and one.kind != "S"]
            return alike[0] if len(alike) == 1 else None
        found = (self._catalog.relations_by_name.get((schema, name[0])) for schema in path)
        return next((one for one in found if one is not None), None)

    def function(self, name: tuple[str, ...], path: tuple[str, ...], arguments: int) -> Function | None:
        """Returns the project's own function that a call of so many arguments means; None where that is not certain."""
        schemas = (name[-2],) if len(name) > 1 else path
        if len(name) == 1 and path == _CLIENTS_PATH:
            schemas = tuple(one.name for one in self._catalog.snapshot.schemas)
        found = [one for each in schemas for one in self._catalog.functions_by_name[each, name[-1]]]
        fitting = [one for one in found if len(_types(one)) >= arguments >= len(_types(one)) - len(defaults(one))]
        lone = fitting[0] if len(fitting) == 1 and fitting[0].extension is None else None
        # Without a schema it may be one of pg_catalog's, which is searched first.
        return None if lone is None or (len(name) == 1 and name[0] in UNDERSTOOD) else lone

    def path_of(self, function: Function) -> tuple[str, ...]:
        """Returns where the names in a function's body are looked for: its own search_path, or the client's."""
        for one in function.settings:
            setting, _, value = one.partition("=")
            if setting.lower() == "search_path":
                parts = [part.strip().strip('"') for part in value.split(",")]
                return tuple(part for part in parts if part and part not in {"$user", "pg_temp"})
        return _CLIENTS_PATH

    def columns(self, relation: Relation) -> Mapping[str, Column]:
        """Returns the relation's columns as values of a predicate."""
        if relation.oid not in self._columns:
            self._columns[relation.oid] = describe(self._catalog, relation)
        return self._columns[relation.oid]

    def asks_identity(self, names: frozenset[tuple[str, ...]]) -> bool:
        """Whether one of these functions, or a function that it calls, may read who is calling."""
        known = self._catalog.functions_by_name
        seen: set[tuple[str, ...]] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            if name in self._trusted and name[0] == "auth":
                return True
            found = known.get((name[0], name[1]), ()) if len(name) > 1 else ()
            for function in found:
                body = body_of(function)
                if body.asks_identity or body.dynamic or not body.understood:
                    return True
                waiting.extend(body.calls)
        return False

    def read_as(self, persona: Persona, role: int, relation: Relation, operation: Operation) -> tuple[int, int]:
        """Returns what tells conditions that mean something else apart: of existing rows, and of new ones."""
        using, check = (
            self._read_once(persona, role, relation, operation, checking=checking) for checking in (False, True)
        )
        return id(using.formula), id(check.formula)

    def _combined(
        self, persona: Persona, role: int, relation: Relation, operation: Operation, *, checking: bool
    ) -> Formula:
        combined = self._read_once(persona, role, relation, operation, checking=checking)
        return self._in_words_of(relation, combined.formula, combined.names)

    def _read_once(
        self, persona: Persona, role: int, relation: Relation, operation: Operation, *, checking: bool
    ) -> _Combined:
        statement = (persona.name, role, relation.oid, operation, checking)
        known = self._of_statements.get(statement)
        if known is None:
            known = self._of_statements[statement] = self._as_twins(
                persona, role, relation, operation, checking=checking
            )
        return known

    def _as_twins(
        self, persona: Persona, role: int, relation: Relation, operation: Operation, *, checking: bool
    ) -> _Combined:
        number = self.twins.of(relation, operation)
        key = (persona.name, role, operation, checking, number, self._alike.kind(relation))
        known = self._of_twins.get(key) if number is not None else None
        if known is not None and self._means_the_same(known, persona, role, relation):
            return known
        combined = self._of_policies(persona, role, relation, operation, checking=checking)
        if number is not None:
            self._of_twins.setdefault(key, combined)
        return combined

    def _in_words_of(self, relation: Relation, formula: Formula, mentioned: frozenset[str]) -> Formula:
        """The formula as it is told of a table for which those stand that it mentions."""
        names = mentioned - {relation.name}
        if not names:
            return formula
        key = (id(formula), relation.oid)
        if key not in self._worded:
            renamed = partial(_in_words_of, relation.name, tuple(sorted(names)))
            worded = self._worded[key] = in_words(formula, renamed)
            self.memory.worded[id(worded)] = Worded(worded, formula, renamed)
        return self._worded[key]

    def _mentioned_by(self, formula: Formula, parts: tuple[tuple[int, str], ...]) -> frozenset[str]:
        names = frozenset(self._catalog.relations[oid].name for oid, _ in parts)
        key = (id(formula), names)
        if key not in self._mentioned:
            self._mentioned[key] = frozenset(one for one in names if mentions(formula, one))
        return self._mentioned[key]

    def _means_the_same(self, combined: _Combined, persona: Persona, role: int, relation: Relation) -> bool:
        """Whether policies that say the same of this table would be the same formula."""
        return relation.oid == combined.table or all(
            self._reads(persona, role, oid, text).isdisjoint((oid, relation.oid)) for oid, text in combined.parts
        )

    def _of_policies(
        self, persona: Persona, role: int, relation: Relation, operation: Operation, *, checking: bool
    ) -> _Combined:
        policies = self._access.policies(role, relation, operation)
        # The same object for the same words, so that it is decided once.
        texts = tuple((one.permissive, (one.check or one.using) if checking else one.using) for one in policies)
        parts = tuple(
            (permissive, self.stands_for(persona, role, relation, text)) for permissive, text in texts if text
        )
        key = (persona.name, role, parts, any(map(self._sets, policies)))
        if key not in self._combinations:
            self._combinations[key] = self._combination(policies, persona, role, parts)
        formula, listed = self._combinations[key], tuple(part for _, part in parts)
        return _Combined(relation.oid, formula, listed, self._mentioned_by(formula, listed))

    def _combination(
        self, policies: Sequence[Policy], persona: Persona, role: int, parts: Sequence[tuple[bool, tuple[int, str]]]
    ) -> Formula:
        read = [(permissive, self._parsed[persona.name, role, *part]) for permissive, part in parts]
        permissive = tuple(formula for widens, formula in read if widens)
        restrictive = tuple(formula for widens, formula in read if not widens)
        if permissive and any(map(self._sets, policies)):
            # Then the claims are not what they were, and which policy is asked first is the planner's to say.
            return Atom(AtomKind.OPAQUE, f"policies that call {_SET}")
        return And((Or(permissive), *restrictive)) if permissive else FALSE

    def stands_for(self, persona: Persona, role: int, relation: Relation, text: str) -> tuple[int, str]:
        """Returns the expression over a table (an OID) that was read and means the same as this one over this table."""
        key = (persona.name, role, self._alike.kind(relation, text), nameless(text, relation.name))
        first = self._shared.setdefault(key, (relation.oid, text))
        if first[0] != relation.oid and not self._reads(persona, role, *first).isdisjoint((first[0], relation.oid)):
            # What reads the table itself means another table each time.
            first = (relation.oid, text)
        if (persona.name, role, *first) not in self._parsed:
            self._parsed[persona.name, role, *first] = parse(text, self.scope(persona, relation, role))
        return first

    def _reads(self, persona: Persona, role: int, oid: int, text: str) -> frozenset[int]:
        """The tables that an expression over a table reads, by way of whatever it calls (OIDs)."""
        key = (persona.name, role, oid, text)
        if key not in self._read:
            parts = walk(read(self._parsed[key]))
            self._read[key] = frozenset(source.relation for one in parts for source in sources(one))
        return self._read[key]

    def _sets(self, policy: Policy) -> bool:
        """Whether a policy, or a function that it calls, changes a setting: the claims are settings."""
        return any(self._calls_set(text) for text in (policy.using, policy.check) if text)

    def _calls_set(self, text: str) -> bool:
        if text not in self._setting:
            read = read_query(f"select {text}")
            waiting = list(read.calls) if read is not None else []
            seen: set[tuple[str, ...]] = set()
            while waiting:
                name = waiting.pop()
                if name in seen:
                    continue
                seen.add(name)
                # Without a schema it depends on the search_path which one it is.
                waiting.extend(call for one in self._called.get(name[-1], ()) for call in body_of(one).calls)
            self._setting[text] = any(one[-1] == _SET for one in seen)
        return self._setting[text]

    def _trusted_helpers(self) -> frozenset[tuple[str, ...]]:
        return frozenset(
            name
            for name, expected in _BODIES_OF_HELPERS.items()
            if any(expected in one.body for one in self._catalog.functions_by_name[name])
        )

    def _own_helpers(self) -> Mapping[tuple[str, ...], Helper]:
        """Functions of the project that are one query, by name; an overloaded name is left out."""
        lone = ((name, one[0]) for name, one in self._catalog.functions_by_name.items() if len(one) == 1)
        own = own_names(self._catalog)
        found = ((name, helper_of(function, own)) for name, function in lone)
        return {name: helper for name, helper in found if helper is not None}


def _in_words_of(name: str, others: tuple[str, ...], text: str) -> str:
    """A text about the tables called `others` as one about the table called `name`."""
    return reduce(lambda told, one: with_name(told, one, name), others, text)


def _types(function: Function) -> tuple[str, ...]:
    """The types of a function's input arguments."""
    return tuple(function.arguments.split(", ")) if function.arguments else ()
