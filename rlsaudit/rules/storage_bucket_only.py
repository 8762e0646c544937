"""storage-bucket-only: a policy on files that asks for the bucket and not for whose the file is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rlsaudit.model import Severity
from rlsaudit.names import literal
from rlsaudit.rules.by_cause import found_by_cause
from rlsaudit.rules.cause import Cause
from rlsaudit.rules.ownership import own_rows
from rlsaudit.rules.reached import told
from rlsaudit.rules.rewritten import altered
from rlsaudit.rules.rule import Example, Found, Rule, Turn
from rlsaudit.rules.wording import agreeing, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.rules.case import Case
    from rlsaudit.rules.cause import Reached


def check(case: Case) -> Iterator[Found]:
    """Yields which files are reached beyond intent because only their bucket is asked for."""
    rated = partial(_severity, case)
    yield from found_by_cause(case, RULE, Cause.BUCKET, "asks for the bucket only", _because, _fix, rated)


def _severity(case: Case, one: Reached) -> Severity:
    """That a table is for all may be meant; a bucket that is not public was made so that its files are not."""
    texts = [text for each in one.policies for text in (each.using, each.check) if text]
    closed = [
        each
        for each in case.catalog.snapshot.buckets
        if not each.public
        and not case.intent.bucket_public(each.name)
        and any(literal(each.id).strip() in text for text in texts)
    ]
    return max(one.severity, Severity.HIGH) if closed else one.severity


def _because(one: Reached) -> str:
    asks = agreeing("asks nothing of whose a file is", len(one.policies))
    return f"{listed([told(each) for each in one.policies])} {asks}"


def _fix(case: Case, one: Reached) -> str:
    """In the project's style: by folders where its policies go by them, else by who uploaded a file."""
    texts = [text for each in case.catalog.policies[one.relation.oid] for text in (each.using, each.check) if text]
    owned = None if any("foldername" in text for text in texts) else own_rows(case, one.relation)
    asked = owned or "(storage.foldername(name))[1] = (select auth.uid())::text"
    return "\n".join(altered(case, one.relation, each, asked) for each in one.policies)


_BUCKET = """
            insert into storage.buckets (id, name) values ('contracts', 'contracts');"""

RULE = Rule(
    id="storage-bucket-only",
    severity=Severity.HIGH,
    summary="A policy on files asks in which bucket they are, and not whose they are.",
    why=(
        "`bucket_id = 'contracts'` is true of everybody's contracts. Whoever signs up lists, downloads, overwrites or "
        "deletes them: an upload over another's avatar shows on every page that shows it."
    ),
    fix=(
        "Ask for the folder, `(storage.foldername(name))[1] = (select auth.uid())::text`, and upload to it, or for the "
        "owner: `owner_id = (select auth.uid())::text`."
    ),
    fine=(
        "Reading a bucket whose files are for all. Declare the reach of `storage.objects`; writing is seldom meant. Of "
        "a public bucket, whose files anybody downloads anyway, the list that such a policy gives is told at medium."
    ),
    bad=(
        Example(
            "Everybody overwrites",
            f"""{_BUCKET}
            create policy "replace" on storage.objects for update to authenticated using (bucket_id = 'contracts');
            """,
        ),
        Example(
            "Whoever is signed in reads what is in no public bucket",
            f"""{_BUCKET}
            create policy "read" on storage.objects for select to authenticated using (bucket_id = 'contracts');
            """,
        ),
        Example(
            "Whoever is signed in deletes",
            f"""{_BUCKET}
            create policy "remove" on storage.objects for delete
              using (bucket_id = 'contracts' and (select auth.role()) = 'authenticated');
            """,
        ),
    ),
    good=(
        Example(
            "A folder for each user",
            f"""{_BUCKET}
            create policy "own folder" on storage.objects to authenticated
              using (bucket_id = 'contracts' and (storage.foldername(name))[1] = (select auth.uid())::text)
              with check (bucket_id = 'contracts' and (storage.foldername(name))[1] = (select auth.uid())::text);
            """,
        ),
        Example(
            "The owner",
            f"""{_BUCKET}
            create policy "own" on storage.objects for delete to authenticated
              using (bucket_id = 'contracts' and owner_id = (select auth.uid())::text);
            """,
        ),
        Example(
            "The bucket, for staff that the server names",
            f"""{_BUCKET}
            create policy "staff" on storage.objects to authenticated
              using (bucket_id = 'contracts' and (select auth.jwt()) -> 'app_metadata' ->> 'role' = 'staff');
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
