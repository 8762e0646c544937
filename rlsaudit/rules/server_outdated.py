"""server-outdated: a server that lacks fixes for flaws in access control."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Reach, Severity
from rlsaudit.rules.asked import asked_as
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.releases import OLDEST_SUPPORTED, mended, open_flaws, shown
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields the server, where it is the project's own and a later minor would mend flaws that it has."""
    server = case.catalog.snapshot.server
    flaws = open_flaws(server.version_num)
    unsupported = server.major < OLDEST_SUPPORTED
    # Where nobody is let to any row there is nothing that policies would keep.
    if case.stands_in or not any(case.exposure.values()) or not (flaws or unsupported):
        return
    version = shown(server.version_num)
    said = [f"{one.cve} ({one.what})" for one in flaws]
    lacks = f"Postgres {version} has {listed(said)}." if said else f"Postgres {version} may have any."
    ends = f" Postgres {server.major} gets no fixes any more." if unsupported else ""
    wanted = mended(server.major)
    to = f"{shown(wanted)} or a later release of {server.major}" if wanted else f"Postgres {OLDEST_SUPPORTED} or later"
    how = ": Project Settings, Infrastructure" if case.platform is Platform.SUPABASE else ""
    yield Found(
        finding(
            RULE,
            ObjectRef("server", server.database),
            Who("public", "all", Reach.ALL, Reach.NONE),
            title=f"Postgres {version} lacks fixes for flaws in access control",
            message=f"Policies are as good as the server that asks them. {lacks}{ends}",
            evidence=asked_as(case, case.personas[0], "show server_version", version),
            fix=f"-- No SQL mends it. Upgrade to {to}{how}.",
        )
    )


RULE = Rule(
    id="server-outdated",
    severity=Severity.MEDIUM,
    summary="The server lacks minor releases that mend flaws in access control, or gets none any more.",
    why=(
        "Each of these flaws lets somebody read or write rows past correct policies: by plans that were made for "
        "another role, by statistics of the planner, by MERGE and ON CONFLICT. They are described in public, and no "
        "policy helps against them. Most of them need somebody who sends SQL, or a function that does what they take."
    ),
    fix=(
        "Install the newest minor release of the major: it needs a restart, and no dump. The release notes say where a "
        "script has to be run as well. A major that is out of support needs `pg_upgrade`."
    ),
    fine=(
        "Where whoever runs the server has put the fixes into an older release. Suppress the finding until the next "
        "release. A server of rlsaudit's own, as `check` takes it, is no finding."
    ),
    bad=(
        Example("A release behind", "select 1;", version=15_00_19),
        Example("Years behind", "select 1;", version=16_00_02),
    ),
    good=(
        Example("Every fix is in", "select 1;", version=15_00_20),
        Example("A later release", "select 1;", version=16_00_17),
        Example("A major that had none of the flaws", "select 1;", version=19_00_00),
    ),
    check=check,
)
