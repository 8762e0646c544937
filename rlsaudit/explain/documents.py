"""Explanations, matrices and holdings for machines: JSON, each kind versioned for itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from rlsaudit.report.escape import visible_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rlsaudit.explain.cell import Explanation
    from rlsaudit.explain.held import Held
    from rlsaudit.model import Report


def explanation(found: Explanation) -> str:
    """Returns an explanation of one cell as JSON, `rlsaudit.explanation/1`."""
    return _document("rlsaudit.explanation/1", **msgspec.to_builtins(found))


def matrix(report: Report) -> str:
    """Returns the target, personas, matrix and what was skipped of a report as JSON, `rlsaudit.matrix/1`."""
    return _document(
        "rlsaudit.matrix/1",
        target=report.target,
        personas=report.personas,
        matrix=report.matrix,
        skipped=report.skipped,
    )


def privileges(holdings: Mapping[str, tuple[Held, ...]]) -> str:
    """Returns what roles hold as JSON, `rlsaudit.privileges/1`: a list for each role, by its name."""
    return _document("rlsaudit.privileges/1", roles=holdings)


def _document(schema: str, **content: Any) -> str:  # noqa: ANN401 — whatever msgspec knows how to write
    builtins = msgspec.to_builtins({"schema": schema, **content}, str_keys=True)
    return visible_json(json.dumps(builtins, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"
