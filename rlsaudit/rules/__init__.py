"""The rules: one file each, found without registration. A file in here that holds a `RULE` is one."""

from __future__ import annotations

import importlib
import itertools
import pkgutil
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from rlsaudit.rules.case import Case
from rlsaudit.rules.rule import CellKey, Example, Found, Rule, Turn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rlsaudit.model import Finding

__all__ = ["Case", "Example", "Found", "Rule", "Turn", "all_rules", "judge"]


@cache
def all_rules() -> Mapping[str, Rule]:
    """Returns the rules by id, in alphabetical order."""
    modules = (importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    found = [module.RULE for module in modules if isinstance(getattr(module, "RULE", None), Rule)]
    by_id = {one.id: one for one in sorted(found, key=lambda one: one.id)}
    if len(by_id) != len(found):
        raise RuntimeError(f"two rules have the same id: {sorted(one.id for one in found)}")
    return MappingProxyType(by_id)


def judge(case: Case) -> tuple[Finding, ...]:
    """Returns what the rules find, worst first: one fault, one finding."""
    findings: list[Finding] = []
    explained: set[CellKey] = set()
    for _, rules in itertools.groupby(sorted(all_rules().values(), key=_turn), key=_turn):
        case = case.after(explained, findings)
        for found in (found for rule in rules for found in rule.check(case)):
            findings.append(found.finding)
            explained |= found.cells
    return tuple(sorted(findings, key=lambda one: (-one.severity.rank, one.rule, one.object.identity, one.persona)))


def _turn(rule: Rule) -> Turn:
    return rule.turn
