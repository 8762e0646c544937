"""storage-public-bucket: a bucket whose files are served to whoever knows their path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import FILES, Platform
from rlsaudit.model import Evidence, EvidenceKind, ObjectRef, Reach, Severity
from rlsaudit.names import literal
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Bucket
    from rlsaudit.rules.case import Case

_READS = frozenset("r*")


def check(case: Case) -> Iterator[Found]:
    """Yields buckets that are public, and that the intent does not call so."""
    for bucket in case.catalog.snapshot.buckets if case.platform is Platform.SUPABASE else ():
        if not bucket.public or case.intent.bucket_public(bucket.name):
            continue
        name = literal(bucket.id).strip()
        voided = _voided(case, bucket)
        aside = f" The policy {listed(voided)} does not keep anybody from that." if len(voided) == 1 else ""
        if len(voided) > 1:
            aside = f" The policies {listed(voided)} do not keep anybody from that."
        query = f"select id, public from storage.buckets where id = {name}"
        yield Found(
            finding(
                RULE,
                ObjectRef("bucket", bucket.id),
                Who("anon", "select", Reach.ALL, Reach.NONE),
                title=f"Bucket {bucket.id} is public",
                message=(
                    f"Whoever knows or guesses the path of a file in bucket {bucket.id} downloads it, without any key: "
                    f"Storage serves public buckets with a role that no policy binds.{aside}"
                ),
                # Whoever asks for a file sends no SQL: it is Storage that looks the bucket up, as the service.
                evidence=Evidence(
                    EvidenceKind.CATALOG,
                    ("begin read only", "set local role service_role", query, "rollback"),
                    "public is true",
                ),
                fix=f"update storage.buckets set public = false where id = {name};",
                relations=[".".join(FILES)],
            )
        )


def _voided(case: Case, bucket: Bucket) -> list[str]:
    """The policies that say who reads files of this bucket, by its name, and not only that it is this bucket."""
    relation = case.catalog.relations_by_name.get(FILES)
    name = literal(bucket.id).strip()
    nothing_else = re.compile(rf"\(*bucket_id = {re.escape(name)}(::text)?\)*")
    policies = case.catalog.policies[relation.oid] if relation is not None else ()
    return [
        f'"{one.name}"'
        for one in policies
        if one.command in _READS
        if name in (one.using or "") and not nothing_else.fullmatch(one.using or "")
    ]


RULE = Rule(
    id="storage-public-bucket",
    severity=Severity.MEDIUM,
    summary="A storage bucket is public: its files are served to whoever knows their path, past all policies.",
    why=(
        "`GET /storage/v1/object/public/<bucket>/<path>` needs no key and asks no policy. Paths are guessed where they "
        "are made of ids and dates, and known to whoever was shown the file once: revoking access later changes "
        "nothing. Policies on storage.objects only decide who lists, uploads, changes and deletes."
    ),
    fix=(
        "Make the bucket private, and hand out signed addresses or downloads that policies allow. Addresses that are "
        "in use already stop working, so change the application first."
    ),
    fine=(
        'Pictures for a web site, avatars. Say so in the intent file: `[buckets]` with `public = ["avatars"]`. What '
        "is public by intent is no finding."
    ),
    bad=(
        Example(
            "Papers of customers",
            "insert into storage.buckets (id, name, public) values ('contracts', 'contracts', true);",
        ),
        Example(
            "A policy that looks as if it kept files apart",
            """
            insert into storage.buckets (id, name, public) values ('scans', 'scans', true);
            create policy "own folder" on storage.objects for select to authenticated
              using (bucket_id = 'scans' and (storage.foldername(name))[1] = (select auth.uid())::text);
            """,
        ),
    ),
    good=(
        Example(
            "Private",
            "insert into storage.buckets (id, name, public) values ('contracts', 'contracts', false);",
        ),
        Example(
            "Private, with a folder for each user",
            """
            insert into storage.buckets (id, name) values ('scans', 'scans');
            create policy "own folder" on storage.objects for select to authenticated
              using (bucket_id = 'scans' and (storage.foldername(name))[1] = (select auth.uid())::text);
            """,
        ),
        Example(
            "Made private again",
            """
            insert into storage.buckets (id, name, public) values ('drafts', 'drafts', true);
            update storage.buckets set public = false where id = 'drafts';
            """,
        ),
    ),
    check=check,
)
