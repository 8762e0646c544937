"""Those who run all of an application, and not one organisation in it: what they are called."""

from __future__ import annotations

import re

from pglast import ast

from rlsaudit.policy import tree

_NAMES = re.compile(r"(super|platform|system|global|site|root)[ _-]?(admin(istrator)?|user|owner|staff)", re.IGNORECASE)


def is_over_all(name: str) -> bool:
    """Returns whether a role, or a column that says of a user that it is one, is of those who run all of it."""
    return _NAMES.fullmatch(name.removeprefix("is_")) is not None


def asks_for_them_alone(condition: str) -> bool:
    """Returns whether a condition (SQL) names such roles or columns, and no text beside them."""
    found = list(tree.walk(tree.expression(condition)))
    texts = [one.val.sval or "" for one in found if isinstance(one, ast.A_Const) and isinstance(one.val, ast.String)]
    columns = (one.fields[-1] for one in found if isinstance(one, ast.ColumnRef) and one.fields)
    named = any(isinstance(one, ast.String) and is_over_all(one.sval or "") for one in columns)
    return all(map(is_over_all, texts)) if texts else named
