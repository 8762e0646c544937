"""What an audit assumed and left open, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit import probe
from rlsaudit.catalog import Platform
from rlsaudit.catalog.platform import is_platforms_role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rlsaudit.audit.options import Options
    from rlsaudit.catalog import Catalog
    from rlsaudit.matrix import Matrix
    from rlsaudit.rules import Case

_STUB = "rlsaudit stub"
_NOT_YET = (
    "not examined by this version: what triggers compute of a row and put elsewhere (trigger-copy is about columns "
    "that they copy as they are), what column defaults do, and what is found where functions connect to"
)


def notes(case: Case, options: Options, schemas: Sequence[str], results: Iterable[probe.Result]) -> Iterator[str]:
    """Yields what a reader has to know of an audit; `schemas` are those that the API serves."""
    yield from _without_account(case, options)
    yield from _beyond_the_api(case, schemas)
    yield from _open_chains(case.matrix)
    yield from _in_part(case.catalog, results)
    yield from _public_buckets(case)
    yield _NOT_YET
    stubs = [one.name for one in case.catalog.snapshot.extensions if (one.comment or "").startswith(_STUB)]
    if stubs:
        yield f"stubs stand in for these extensions: {', '.join(stubs)}"


def _beyond_the_api(case: Case, schemas: Sequence[str]) -> Iterable[str]:
    """On Supabase: who speaks SQL, and so is not kept to what the API serves."""
    direct = [name for name, names in case.served.items() if not names <= set(schemas)]
    if direct:
        yield f"{', '.join(direct)}: speaks SQL itself, so every schema counts for it"
    if case.platform is Platform.SUPABASE:
        personas = {one.role for one in case.personas}
        others = [one for one in case.catalog.snapshot.roles if one.login and not one.superuser]
        left = [one.name for one in others if one.name not in personas and not is_platforms_role(one.name)]
        if left:
            yield f"log in by themselves and are not audited (--role NAME does): {', '.join(left)}"


def _without_account(case: Case, options: Options) -> Iterable[str]:
    """What the project's settings say of those who sign in without an account."""
    shown = any(one.claims.get("is_anonymous") is True for one in case.personas)
    setting = "[auth].enable_anonymous_sign_ins of supabase/config.toml"
    if options.anonymous and case.platform is Platform.SUPABASE:
        alike = "" if shown else "; nothing asks who has, so that they reach what authenticated does"
        yield f"{setting} is on: whoever is authenticated need not have an account{alike}"
    elif options.anonymous is False and shown:
        yield f"{setting} is off: what anonymous-sign-in reaches counts where the project itself has it on"


def _open_chains(matrix: Matrix) -> Iterable[str]:
    """How many verdicts there are of which it is not known what a chain of statements adds."""
    left = sum(one.reach.decided and not one.escalated.decided for one in matrix.cells)
    if left:
        yield (
            f"what a chain of allowed statements gains is not known for {left} of {len(matrix.cells)} verdicts: "
            "`escalated` is unknown there, and `escalated_because` says why"
        )


def _in_part(catalog: Catalog, results: Iterable[probe.Result]) -> Iterable[str]:
    """Of which tables no more than a sample was read."""
    sampled = {one.probe.relation for one in results if one.in_part and one.outcome is probe.Outcome.ROWS}
    if sampled:
        named = ", ".join(sorted(catalog.identity(catalog.relations[one]) for one in sampled))
        yield f"read in samples only, for the server would have gone through all of: {named}"


def _public_buckets(case: Case) -> Iterable[str]:
    """Whose files are read past every policy, by their address alone: no verdict on `storage.objects` tells."""
    public = [one.name for one in case.catalog.snapshot.buckets if one.public]
    if public:
        yield (
            f"public buckets ({', '.join(public)}): whoever knows a file's path reads it, whatever policies say; "
            "verdicts on storage.objects are about its rows, by which files are listed and written"
        )
