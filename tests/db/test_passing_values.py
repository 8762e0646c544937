"""Which values pass a table's CHECKs is the server's to say: all at once, and one by one where one of them fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.connect import connect
from rlsaudit.probe.rows.passing import Trial, passing

if TYPE_CHECKING:
    from collections.abc import Sequence

NUMBER = (("n", "integer"),)


def passed(url: str, *trials: Trial) -> Sequence[Sequence[int]]:
    with connect(url) as session, session.rolled_back():
        return passing(session, trials)


def test_up_to_so_many_are_found_in_order(database: str) -> None:
    trial = Trial("t", NUMBER, ("(n > 1)",), tuple((str(one),) for one in range(5)), 2)
    assert passed(database, trial) == ((2, 3),)


def test_null_passes_and_none_may_pass(database: str) -> None:
    least = Trial("t", NUMBER, ("(n > 1)",), ((None,), ("0",)), 5)
    none = Trial("t", NUMBER, ("(n > 9)",), (("0",), ("1",)), 5)
    assert passed(database, least, none) == ((0,), ())


def test_one_that_fails_spoils_no_other(database: str) -> None:
    trial = Trial("t", NUMBER, ("((10 / n) > 4)",), (("0",), ("x",), ("2",), ("9",), ("1",)), 5)
    assert passed(database, trial) == ((2, 4),)


def test_the_tables_own_names_come_first(database: str) -> None:
    names = ("one", "place", "given", "tried", "each", "found", "g", 'a"b', "value")
    columns = tuple((one, "text") for one in names)
    checks = tuple(f"""({'"a""b"' if one == 'a"b' else one} = 'mine')""" for one in names)
    tried = (("theirs",) * len(names), ("mine",) * len(names))
    for table in ("tried", "g", "found", "each", 'x"y'):
        assert passed(database, Trial(table, columns, checks, tried, 5)) == ((1,),)


def test_a_whole_row_is_the_tables(database: str) -> None:
    trial = Trial("t", (("a", "text"), ("b", "text")), ("(t.* is not null)",), (("x", None), ("x", "y")), 5)
    assert passed(database, trial) == ((1,),)


def test_what_takes_too_long_costs_only_itself(database: str) -> None:
    quick = [Trial("t", NUMBER, (f"(n > {one})",), (("1",), ("9",)), 5) for one in range(7)]
    slow = Trial("t", NUMBER, ("(pg_sleep(60) is not null)",), (("1",),), 5)
    with connect(database, statement_timeout_ms=500) as session, session.rolled_back():
        found = passing(session, [*quick[:3], slow, *quick[3:]])
    assert found == ((0, 1), (1,), (1,), (), (1,), (1,), (1,), (1,))
