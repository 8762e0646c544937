"""Zones: what each word lets whom do, and which entry counts where several fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest

from rlsaudit.errors import IntentError
from rlsaudit.intent import Intent, Remark, load, misread
from rlsaudit.intent.schema import ZoneName
from rlsaudit.intent.zones import ZONES
from rlsaudit.model import Operation

if TYPE_CHECKING:
    from pathlib import Path


def loaded(tmp_path: Path, text: str, platform: str = "supabase", remarks: tuple[Remark, ...] = ()) -> Intent:
    path = tmp_path / "rlsaudit.toml"
    path.write_text(text, "utf-8")
    return load(path, platform, remarks)


def reaches(intent: Intent, relation: str, persona: str, role: str = "") -> str:
    """The reach for select, insert, update and delete."""
    found = (intent.intended(persona, role or persona, relation, one, protected=True) for one in Operation)
    return " ".join(one.value for one in found)


@pytest.mark.parametrize(
    ("zone", "anon", "signed_in"),
    [
        ("public", "all none none none", "all none none none"),
        ("signed-in", "none none none none", "all none none none"),
        ("owner", "none none none none", "own own own own"),
        ("tenant", "none none none none", "own own own own"),
        ("server-only", "none none none none", "none none none none"),
    ],
)
def test_what_a_zone_stands_for(tmp_path: Path, zone: str, anon: str, signed_in: str) -> None:
    intent = loaded(tmp_path, f'[zones]\n{zone} = ["public.t"]')
    assert reaches(intent, "public.t", "anon") == anon
    assert reaches(intent, "public.t", "authenticated") == signed_in
    assert reaches(intent, "public.t", "anonymous-sign-in", "authenticated") == signed_in
    assert reaches(intent, "public.other", "authenticated") == "own own own own"


def test_on_plain_postgres_every_role_has_signed_in(tmp_path: Path) -> None:
    zones = '[zones]\nserver-only = ["public.jobs"]\nowner = ["public.notes"]\npublic = ["public.pages"]'
    intent = loaded(tmp_path, zones, "postgres")
    assert reaches(intent, "public.jobs", "app") == "none none none none"
    assert reaches(intent, "public.notes", "app") == "own own own own"
    assert reaches(intent, "public.pages", "app") == "all none none none"


def test_operations_and_columns_are_declared_entry_by_entry(tmp_path: Path) -> None:
    intent = loaded(
        tmp_path,
        """
        [zones]
        public = [
          { relation = ["public.posts", "public.likes"], insert = "owner", update = "owner", columns = ["email"] },
          { relation = "public.contact", select = "server-only", insert = "public" },
        ]
        """,
    )
    assert reaches(intent, "public.posts", "authenticated") == "all own own none"
    assert reaches(intent, "public.likes", "anon") == "all none none none"
    assert reaches(intent, "public.contact", "anon") == "none all none none"
    assert not intent.is_sensitive("public.posts", "email")


def test_later_zones_win_and_allowances_over_zones(tmp_path: Path) -> None:
    intent = loaded(
        tmp_path,
        """
        [[allow]]
        relation = "public.drafts"
        persona = "authenticated"
        select = "some"
        [zones]
        owner = ["public.*"]
        public = ["public.posts", "public.drafts"]
        """,
    )
    assert reaches(intent, "public.notes", "authenticated") == "own own own own"
    assert reaches(intent, "public.posts", "anon") == "all none none none"
    assert reaches(intent, "public.drafts", "authenticated") == "some none none none"


def test_declared_personas_are_kept_to_zones_and_the_server_is_not(tmp_path: Path) -> None:
    intent = loaded(
        tmp_path,
        """
        [zones]
        owner = ["public.t"]
        [[persona]]
        name = "gym"
        role = "gym_app"
        [[persona]]
        name = "backend"
        role = "service_role"
        [[allow]]
        relation = "*"
        persona = "backend"
        select = "all"
        """,
    )
    assert reaches(intent, "public.t", "gym", "gym_app") == "own own own own"
    assert reaches(intent, "public.t", "backend", "service_role") == "all none none none"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('[zones]\nprivate = ["public.t"]', "zones: 'private' is not a zone", "Known here"),
        ('[zones]\nserver_only = ["public.t"]', "zones: 'server_only' is not a zone", '"server-only"'),
        ('[zones]\npublic = "public.t"', "zones: expected a list, got text", ""),
        ("[zones]\npublic = [3]", "zones: expected text or a table, got int", ""),
        ('[zones]\npublic = ["posts"]', 'zones.public, entry 1: "posts" names no schema', ""),
        (
            '[zones]\npublic = ["public.t"]\nowner = ["public.a", "public.t"]',
            'zones.owner, entry 2: "public.t" is in the zone public already',
            "",
        ),
        ("[zones]\npublic = [{ relation = [] }]", "zones.public, entry 1: an empty list names nothing", ""),
        ('[zones]\npublic = [{ select = "public" }]', 'the key "relation" is missing', ""),
        (
            '[zones]\npublic = [{ relation = "public.t", insert = "own" }]',
            "zones: 'own' is not a zone",
            '"owner"',
        ),
        (
            '[zones]\npublic = [{ relation = "public.t", inset = "owner" }]',
            'zones: the key "inset" is unknown',
            '"insert"',
        ),
    ],
)
def test_what_is_no_zone(tmp_path: Path, text: str, message: str, hint: str) -> None:
    with pytest.raises(IntentError) as caught:
        loaded(tmp_path, text)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_the_file_knows_the_zones_that_there_are() -> None:
    assert set(get_args(ZoneName)) == set(ZONES)
    assert all(zone.writes in ZONES for zone in ZONES.values())


def test_comments_speak_of_zones_and_the_file_wins(tmp_path: Path) -> None:
    remarks = (
        Remark("relation", "public.posts", "Our blog.\n@rlsaudit public-read: it is on the front page"),
        Remark("relation", "public.notes", "@rlsaudit public-read"),
        Remark("relation", 'public."a*"', "@rlsaudit server-only"),
        Remark("function", "public.search(text[])", "@rlsaudit signed-in"),
        Remark("function", "public.purge()", "@rlsaudit server-only"),
    )
    text = '[[allow]]\nrelation = "public.notes"\npersona = "anon"\nselect = "none"\n'
    text += '[[function]]\nname = "public.purge"\ncallable_by = "anon"'
    intent = loaded(tmp_path, text, remarks=remarks)
    assert reaches(intent, "public.posts", "anon") == "all none none none"
    assert reaches(intent, "public.notes", "anon") == "none none none none"
    assert reaches(intent, "public.a*", "authenticated") == "none none none none"
    assert reaches(intent, "public.ab", "authenticated") == "own own own own"
    assert intent.declared("anon", "public.posts", Operation.SELECT)
    assert intent.function_allowed("public.search(text[])", "authenticated")
    assert not intent.function_allowed("public.search(text[])", "anon")
    assert intent.function_allowed("public.purge()", "anon")
    assert list(misread(remarks)) == []


@pytest.mark.parametrize(
    ("remark", "why"),
    [
        (Remark("relation", "public.t", "@rlsaudit pubic-read"), 'is unknown. Did you mean "public-read"?'),
        (Remark("relation", "public.t", "@rlsaudit"), "no word stands behind @rlsaudit"),
        (Remark("relation", "public.t", "@rlsaudit: owner"), "no word stands behind @rlsaudit"),
        (Remark("relation", "public.t", "@rlsaudit owner and @rlsaudit xyz"), "Known here: public-read"),
        (Remark("function", "public.f()", "@rlsaudit owner"), '"owner" is a word for relations'),
        (Remark("column", "public.t", "@rlsaudit public-read"), "comments on columns say nothing"),
    ],
)
def test_comments_that_say_nothing_are_told(remark: Remark, why: str) -> None:
    (found,) = misread([remark])
    assert why in found.why
    assert remark.identity in found.place
