"""Python's collector of cycles, held back while an audit makes millions of small values that stay.

Each time it is about to find out that all of them are still needed, which takes a fourth of the time of a large schema.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MADE_BEFORE_A_LOOK = 200_000
"""So many more objects than were given up are there before the collector looks at the youngest: usually 700."""


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Has the collector look less often within, and not at what was there before; then as it was."""
    thresholds = gc.get_threshold()
    # What an embedding program has frozen stays so: there is no way to thaw the rest alone.
    freezes = not gc.get_freeze_count()
    if freezes:
        gc.freeze()
    gc.set_threshold(_MADE_BEFORE_A_LOOK, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        if freezes:
            gc.unfreeze()
