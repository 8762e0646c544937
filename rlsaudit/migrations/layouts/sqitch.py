"""sqitch: `sqitch.plan` names the changes, `deploy/` has them. psql runs them, so each says itself where it begins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.migrations.layouts.layout import Layout, name_of, project
from rlsaudit.migrations.model import Script

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.migrations.model import Project

_CHANGE = re.compile(r"([^\s@%#\[:][^\s\[:]*)(?:\s|$)")
_TOP = re.compile(r"^\s*top_dir\s*=\s*(\S+)", re.MULTILINE)


def find(directory: Path, root: Path) -> Project | None:
    """A directory with a plan, or whose `sqitch.conf` says where that is."""
    plan = directory / "sqitch.plan"
    conf = directory / "sqitch.conf"
    if not plan.is_file() and conf.is_file() and (top := _TOP.search(conf.read_text("utf-8", "replace"))):
        plan = directory / top.group(1) / "sqitch.plan"
    if not plan.is_file():
        return None
    scripts, again = [], []
    seen: dict[str, int] = {}
    lines = plan.read_text("utf-8", "replace").splitlines()
    tags = [number for number, line in enumerate(lines) if line.startswith("@")]
    named = [(number, match.group(1)) for number, line in enumerate(lines) if (match := _CHANGE.match(line))]
    for place, (number, change) in enumerate(named):
        # A change that comes again was reworked: the file of the earlier one is named after the tag that follows it.
        later = any(other == change for _, other in named[place + 1 :])
        tag = next((lines[one].split()[0] for one in tags if one > number), "") if later else ""
        path = plan.parent / "deploy" / f"{change}{tag}.sql"
        seen[change] = seen.get(change, 0) + 1
        scripts.append(Script(path, name_of(path, root), transaction=False))
        if seen[change] > 1:
            again.append(change)
    notes = [f"reworked in the plan: {', '.join(again)}"] if again else []
    return project(LAYOUT.name, root, scripts, notes)


LAYOUT = Layout("sqitch", "sqitch.plan", find)
