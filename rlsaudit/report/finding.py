"""A finding in the words that several formats share, so that all of them say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.report.escape import printable
from rlsaudit.report.sql import transcript
from rlsaudit.report.words import EVIDENCE, ability, intention, shortened

if TYPE_CHECKING:
    from rlsaudit.model import Finding, Fix
    from rlsaudit.report.sql import Transcript

_ANSWER = 500
_WRITTEN = "intent"
"""What findings about entries of the intent file are about."""
_DRAFT = "draft: not verified, read it before you run it"
_ESCAPED = "Names with unseen or control characters are shown escaped: these lines do not run as they stand."


def who(finding: Finding) -> str:
    """Say who can do what, and what was meant."""
    return "".join(deed(finding))


def deed(finding: Finding) -> tuple[str, str]:
    """Say who can do what, and behind it what was meant."""
    if finding.object.type == _WRITTEN:
        return "nobody gains by it", ": it is about what is written down"
    can = ability(finding.persona, finding.operation, finding.reach)
    return can, f"; intended: {intention(finding.operation, finding.intended)}"


def about(finding: Finding) -> str:
    """Say which object it is about: `view public.notes_view`."""
    return f"{finding.object.type.replace('_', ' ')} {finding.object.identity}"


def known(finding: Finding) -> str:
    """Say how it is known, and what the server answered."""
    answer = f"; answer: {shortened(finding.evidence.result, _ANSWER)}" if finding.evidence.result else ""
    return f"{EVIDENCE[finding.evidence.kind]}{answer}"


def mending(fix: Fix) -> str:
    """Say what the fix is worth."""
    if not fix.sql.strip():
        return "none that SQL could express"
    return "verified: applied to a copy, and the finding was gone" if fix.verified else _DRAFT


def evidence_sql(finding: Finding) -> Transcript:
    """Lay out the statements that show it."""
    return transcript(statement for statement in finding.evidence.sql if statement.strip())


def fix_sql(finding: Finding) -> Transcript:
    """Lay out the statements that mend it."""
    return transcript([finding.fix.sql] if finding.fix.sql.strip() else [])


def plain(finding: Finding) -> str:
    """Tell a finding in lines of plain text: what it lets happen, how that is known, what mends it."""
    shown, mended = evidence_sql(finding), fix_sql(finding)
    lines = [f"{printable(finding.title)}.", f"{printable(who(finding))}."]
    if finding.message not in {"", finding.title}:
        lines.append(printable(finding.message))
    lines += ["", f"Evidence: {printable(known(finding))}", *_indented(shown)]
    lines += ["", f"Fix: {mending(finding.fix)}", *_indented(mended)]
    return "\n".join(lines)


def _indented(printed: Transcript) -> list[str]:
    return [*(f"  {line}" for line in printed.lines), *([_ESCAPED] if printed.escaped else [])]


def careful(printed: Transcript) -> str:
    """Say that the lines do not run; empty if they do."""
    return _ESCAPED if printed.escaped else ""
