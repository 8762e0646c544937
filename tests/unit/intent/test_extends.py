"""Files that extend others, and packs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rlsaudit.errors import IntentError
from rlsaudit.intent import load
from rlsaudit.model import Operation

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.intent import Intent


def entry(reach: str) -> str:
    return f'[[allow]]\nrelation = "public.t"\npersona = "authenticated"\nselect = "{reach}"\n'


def reach(intent: Intent) -> str:
    return intent.intended("authenticated", "authenticated", "public.t", Operation.SELECT, protected=True).value


def test_a_file_is_found_beside_the_one_that_extends_it(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "common.toml").write_text(f'schemas = ["api"]\n{entry("all")}', "utf-8")
    (tmp_path / "rlsaudit.toml").write_text('extends = "team/common.toml"', "utf-8")
    intent = load(tmp_path / "rlsaudit.toml", "supabase")
    assert (reach(intent), intent.schemas) == ("all", ("api",))
    assert intent.declared("authenticated", "public.t", Operation.SELECT)
    assert intent.is_sensitive("public.t", "email")


def test_of_several_the_later_wins_and_the_file_itself_over_all(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(entry("all"), "utf-8")
    (tmp_path / "b.toml").write_text(entry("some"), "utf-8")
    top = tmp_path / "rlsaudit.toml"
    top.write_text('extends = ["supabase", "a.toml", "b.toml"]', "utf-8")
    assert reach(load(top, "supabase")) == "some"
    top.write_text('extends = ["b.toml", "a.toml"]', "utf-8")
    assert reach(load(top, "supabase")) == "all"
    top.write_text(f'extends = ["a.toml", "b.toml"]\n{entry("none")}', "utf-8")
    assert reach(load(top, "supabase")) == "none"


def test_what_two_files_extend_counts_once_where_it_came_first(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(entry("all"), "utf-8")
    (tmp_path / "b.toml").write_text('extends = "supabase"', "utf-8")
    top = tmp_path / "rlsaudit.toml"
    top.write_text('extends = ["a.toml", "b.toml"]', "utf-8")
    intent = load(top, "supabase")
    assert reach(intent) == "all"
    assert len({one.names for one in intent.functions}) == len(intent.functions)


def test_a_cycle_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('extends = "b.toml"', "utf-8")
    (tmp_path / "b.toml").write_text('extends = "./a.toml"', "utf-8")
    with pytest.raises(IntentError, match="which in the end extends it again"):
        load(tmp_path / "a.toml", "supabase")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('extends = "gone.toml"', "There is no such file", "relative to that"),
        ('extends = ["supabase", "team/common"]', 'there is no pack "team/common"', "Known here"),
        ("extends = []", "an empty list extends nothing", ""),
        ("extends = 3", "extends: expected text or a list of texts, got int", ""),
    ],
)
def test_what_cannot_be_extended(tmp_path: Path, text: str, message: str, hint: str) -> None:
    path = tmp_path / "rlsaudit.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(IntentError) as caught:
        load(path, "supabase")
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_persona_is_declared_in_one_file(tmp_path: Path) -> None:
    persona = '[[persona]]\nname = "gym"\nrole = "gym_app"\n'
    (tmp_path / "a.toml").write_text(persona, "utf-8")
    (tmp_path / "rlsaudit.toml").write_text(f'extends = "a.toml"\n{persona}', "utf-8")
    with pytest.raises(IntentError, match='Two files declare a persona of the name "gym"'):
        load(tmp_path / "rlsaudit.toml", "supabase")
