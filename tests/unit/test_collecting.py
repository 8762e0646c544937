"""The collector of cycles looks rarely during an audit, and is as it was afterwards."""

from __future__ import annotations

import gc

from rlsaudit.audit.collecting import rarely_collected


def test_it_is_as_it_was_afterwards() -> None:
    before = gc.get_threshold()
    with rarely_collected():
        assert gc.get_threshold() != before
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_what_was_frozen_stays_so() -> None:
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with rarely_collected():
            pass
        assert gc.get_freeze_count() == frozen
    finally:
        gc.unfreeze()
