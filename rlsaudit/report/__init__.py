"""Print a `Report`: one module a format, found without registration.

A format is a module (or package) in here that holds a `FORMAT`. Adding one touches nothing else: `formats()` finds it,
the command line offers it. Reporters decide nothing; what is in the report is printed.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from rlsaudit.errors import UsageError
from rlsaudit.report.escape import printable
from rlsaudit.report.format import Format, Screen
from rlsaudit.report.order import in_order

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rlsaudit.model import Report

__all__ = ["Format", "Screen", "formats", "render"]


@cache
def formats() -> Mapping[str, Format]:
    """Find the formats, by name, in alphabetical order.

    A function rather than a constant, so that importing the package stays cheap and `python -m rlsaudit.report.schema`
    does not find itself imported already.
    """
    modules = (importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    found = [module.FORMAT for module in modules if isinstance(getattr(module, "FORMAT", None), Format)]
    by_name = {each.name: each for each in sorted(found, key=lambda each: each.name)}
    if len(by_name) != len(found):
        message = f"two report formats have the same name: {sorted(each.name for each in found)}"
        raise RuntimeError(message)
    return MappingProxyType(by_name)


def render(report: Report, format_name: str, *, width: int, colour: bool) -> str:
    """Write the report out in a format.

    Args:
        report: What the audit has to say.
        format_name: One of `formats()`.
        width: Columns of the terminal; formats for machines do not care.
        colour: Whether colours may be used. The caller has looked at NO_COLOR and at whether this is a terminal.

    Returns:
        The whole text, ending in exactly one newline: write it as it is.

    Raises:
        UsageError: There is no such format.
    """
    known = formats()
    if format_name not in known:
        message = f'there is no report format "{printable(format_name)}"'
        raise UsageError(message, hint=f"Choose one of: {', '.join(known)}.")
    return known[format_name].render(in_order(report), Screen(width=width, colour=colour))
