"""Which flaws a version has, and whose server it is that they are told of."""

from __future__ import annotations

import psycopg
import pytest
from projects import audited

from rlsaudit.audit import Options
from rlsaudit.connect import connect
from rlsaudit.rules.releases import FLAWS, OLDEST_SUPPORTED, mended, open_flaws, shown


@pytest.mark.parametrize(
    ("version", "first", "number"),
    [
        (15_00_02, "CVE-2023-2455", 10),
        (15_00_19, "CVE-2026-120154", 3),
        (16_00_00, "CVE-2024-4317", 8),
        (17_00_01, "CVE-2025-8713", 5),
        (18_00_06, "CVE-2026-120154", 3),
    ],
)
def test_flaws_that_are_open(version: int, first: str, number: int) -> None:
    found = open_flaws(version)
    assert (found[0].cve, len(found)) == (first, number)


@pytest.mark.parametrize("major", range(OLDEST_SUPPORTED, 20))
def test_what_mends_a_major_mends_all_of_it(major: int) -> None:
    wanted = mended(major)
    assert wanted is not None
    assert open_flaws(wanted) == ()
    assert wanted % 10000 == 0 or open_flaws(wanted - 1) != ()


def test_majors_out_of_support_are_never_mended() -> None:
    assert mended(OLDEST_SUPPORTED - 1) is None
    assert len({one.cve for one in FLAWS}) == len(FLAWS)
    assert shown(15_00_20) == "15.20"


def test_a_server_in_the_place_of_the_projects_is_no_finding(database: str) -> None:
    with psycopg.connect(database) as admin:  # where nobody is let to any row, no release keeps one from anybody
        admin.execute("create table public.t (id int); grant select on public.t to authenticated")
    with connect(database) as session:
        theirs = audited(session, Options(), version=15_00_19).findings
        ours = audited(session, Options(throwaway=True), version=15_00_19).findings
        copied = audited(session, Options(throwaway=True, clone=True), version=15_00_19).findings
    told = [[one.rule for one in each].count("server-outdated") for each in (theirs, ours, copied)]
    assert told == [1, 0, 1]
