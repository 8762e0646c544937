"""Settings that SQL reads by name: a session may hold in them who is asking."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_READS_SETTING = re.compile(r"""\bcurrent_setting"?\s*\(\s*E?'([a-z_]\w*\.[\w.]+)'""", re.ASCII | re.IGNORECASE)


def settings_read(texts: Iterable[str]) -> frozenset[str]:
    """Returns the custom settings that pieces of SQL read by a constant name, in lower case: capitals are the same."""
    return frozenset(name.lower() for text in texts for name in _READS_SETTING.findall(text))
