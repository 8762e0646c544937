"""Who may call a function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.access import Link, Reasons
from rlsaudit.explain import persona_named
from rlsaudit.pytest_plugin.failing import guarded
from rlsaudit.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Function
    from rlsaudit.rules import Case


@dataclass(frozen=True, slots=True, repr=False)
class Functions:
    """A function, or several of one name."""

    case: Case
    functions: tuple[Function, ...]

    def __repr__(self) -> str:
        return printable(f"<{', '.join(map(self.case.catalog.function_identity, self.functions))}>")

    def is_closed_to(self, persona: str, *more: str) -> bool:
        """Asserts that none of these personas can call any of them."""
        __tracebackhide__ = True
        for name in (persona, *more):
            for one in self.functions:
                if self._callable(name, one):
                    raise AssertionError(self._told(name, one, "was to be closed to", "can call it"))
        return True

    def is_open_to(self, persona: str, *more: str) -> bool:
        """Asserts that each of these personas can call all of them."""
        __tracebackhide__ = True
        for name in (persona, *more):
            for one in self.functions:
                if not self._callable(name, one):
                    raise AssertionError(self._told(name, one, "was to be open to", "cannot call it"))
        return True

    def _callable(self, name: str, function: Function) -> bool:
        __tracebackhide__ = True
        with guarded(where=True):
            persona = persona_named(self.case, name)
        served = self.case.catalog.schemas[function.schema].name in self.case.served[persona.name]
        return served and self.case.access.execute(self.case.role(persona).oid, function)

    def _told(self, name: str, function: Function, wanted: str, found: str) -> str:
        lines = [f"{self.case.catalog.function_identity(function)} {wanted} {name}, who {found}."]
        for link in self._links(name, function):
            lines += [f"  {'no: ' if link.ends else ''}{link.what}", *(f"    {one}" for one in link.through)]
        if function.security_definer:
            lines.append(f"  It runs with the rights of its owner, {self.case.access.name(function.owner)}.")
        return "\n".join(printable(one) for one in lines)

    def _links(self, name: str, function: Function) -> Iterator[Link]:
        reasons, role = Reasons(self.case.access), self.case.role(persona_named(self.case, name)).oid
        schema = self.case.catalog.schemas[function.schema]
        if schema.name not in self.case.served[name]:
            yield Link(f"the API does not serve the schema {schema.name} to {name}", (), ends=True)
        yield reasons.usage(role, schema)
        yield reasons.execute(role, function)
