"""How tools keep their migrations: one module each, found without registration by its `LAYOUT`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from rlsaudit.migrations.layouts.layout import Layout

__all__ = ["Layout", "all_layouts"]


@cache
def all_layouts() -> tuple[Layout, ...]:
    """Returns the layouts by name, those that are asked last at the end."""
    modules = (importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    found = [module.LAYOUT for module in modules if isinstance(getattr(module, "LAYOUT", None), Layout)]
    return tuple(sorted(found, key=lambda one: (one.last, one.name)))
