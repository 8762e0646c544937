from __future__ import annotations

from dataclasses import replace

import pytest
import report_samples as samples
from markdown_reading import LINKED, MARKED, TAGS, markup, outside_code

from rlsaudit.model import (
    Evidence,
    EvidenceKind,
    Fix,
    Location,
    ObjectRef,
    Persona,
    Reach,
    Report,
    Severity,
    Skipped,
    Target,
)
from rlsaudit.report import render
from rlsaudit.report.markdown import LIMIT, MARKER
from rlsaudit.report.markup import entities, fenced, prose, span, tag

FORMATS = ("markdown", "github-summary")
MISCHIEF = (
    "@everyone #1 !1 $1 %2 &3 ~bug owner/repo#1 GH-1 https://a.b www.a.b a@b.cd :tada: deadbeefcafe "
    "<img src=x onerror=alert(1)> <!-- --> </summary></details> [x](javascript:1) ![x](y) **b** __b__ ~~s~~ "
    "| a | b | `c` ``d`` ``` \\ <b>x</b> $$x$$ [^1] &lt; &#60; 1. - + * # > --- ==="
)


def markdown(report: Report, format_name: str = "markdown") -> str:
    return render(report, format_name, width=80, colour=False)


def mischievous(word: str) -> Report:
    """Make a report in which everything that the database names is this word."""
    return samples.report(
        target=Target(word, word, word, (word,), word, (word,)),
        personas=(Persona(word, word, {}, {}, word),),
        matrix=(samples.cell(word, word, reach=Reach.ALL), samples.cell(word, "x", reach=Reach.UNKNOWN, because=word)),
        findings=(
            samples.finding(
                rule=word,
                title=word,
                message=word + " ",
                persona=word,
                about=ObjectRef("table", word),
                relations=(word,),
                evidence=Evidence(EvidenceKind.PROBE, (word, f"select\n{word}"), word),
                fix=Fix(word),
                fingerprint=word,
                location=Location(word, 1),
            ),
        ),
        skipped=(Skipped(word, word),),
    )


def test_the_first_line_is_the_one_by_which_the_comment_is_found_again() -> None:
    assert markdown(samples.flawed()).split("\n")[0] == MARKER == "<!-- rlsaudit -->"
    assert MARKER not in markdown(samples.flawed(), "github-summary")


def test_it_says_what_was_found_and_what_is_missing_before_the_details() -> None:
    top = markdown(samples.flawed()).partition("<details>")[0]
    assert "### rlsaudit: Access goes beyond intent: 3 findings (1 critical, 1 high, 1 info).\n" in top
    assert "**Incomplete: 4 of 32 verdicts are missing and 2 things were skipped." in top
    assert "Suppressed and not counted: 1 finding (1 medium)." in top
    assert "| 🟥 critical | A view shows everybody's notes to anon | <code>view public.notes&#95;view</code> |" in top


def test_each_finding_is_folded_with_evidence_and_fix() -> None:
    printed = markdown(samples.flawed())
    assert printed.count("<details>") == printed.count("</details>") == 7
    assert "```sql\nbegin;\nset local role anon;\nselect count(*) from public.notes_view;\nrollback;\n```" in printed
    assert "**Fix:** verified: applied to a copy, and the finding was gone\n\n```sql\nalter view" in printed
    assert "**Fix:** none that SQL could express" in printed


def test_what_is_suppressed_is_folded_with_the_reasons() -> None:
    printed = markdown(samples.report(suppressed=samples.SUPPRESSED))
    assert "Suppressed and not counted: 1 finding (1 critical)." in printed
    assert "- critical: definer-view of view public.notes&#95;view, until 2027-03-31: the old app reads it" in printed


def test_the_matrix_shows_what_goes_beyond_intent() -> None:
    printed = markdown(samples.flawed())
    assert "| anon | <code>public.notes</code> | **all !** | none | none | none |" in printed
    assert "<code>public.org&#95;members</code> | **own&#62;all !** | **all !** | own | none |" in printed
    certain = samples.cell(reach=Reach.UNKNOWN, at_least=Reach.SOME)
    assert "| **unknown !** | unknown |" in markdown(samples.report(matrix=(certain,)))


def test_a_correct_project_gets_a_short_answer() -> None:
    printed = markdown(samples.correct())
    assert "### rlsaudit: No access beyond intent: 8 verdicts, none missing, nothing skipped.\n" in printed
    assert "<details>" not in printed


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("word", [MISCHIEF, *MISCHIEF.split(), "```", "`" * 40])
def test_words_from_the_database_change_nothing_but_words(word: str, format_name: str) -> None:
    kinds, html = markup(markdown(mischievous(word), format_name))
    usual, _ = markup(markdown(mischievous("word"), format_name))
    words = {"text", "html_inline"}
    assert [kind for kind in kinds if kind not in words] == [kind for kind in usual if kind not in words]
    assert all(map(TAGS.fullmatch, html))


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("word", [MISCHIEF, *MISCHIEF.split(), "```", "`" * 40, samples.HOSTILE, " ", ""])
def test_words_from_the_database_are_neither_markup_nor_links(word: str, format_name: str) -> None:
    printed = markdown(mischievous(word), format_name)
    kinds, html = markup(printed)
    assert all(map(TAGS.fullmatch, html))
    assert not MARKED & set(kinds)
    assert not LINKED.search(outside_code(printed))


def test_a_comment_that_would_be_too_long_is_cut_and_says_so() -> None:
    report = replace(samples.many(), findings=samples.many().findings * 5)
    printed = markdown(report)
    assert len(printed.encode()) <= LIMIT
    assert printed.count("<details>") == printed.count("</details>")
    told = printed.count("<b>A view shows")
    assert f"**{1000 - told} findings are not told here: there is no room. The other formats tell all" in printed
    assert "**Incomplete: 240 of 960 verdicts are missing and 50 things were skipped." in printed
    assert "<b>Not decided</b>" in printed


def test_a_list_that_would_be_too_long_is_cut_and_says_so() -> None:
    findings = tuple(samples.finding(title=f"{number} {'x' * 100}") for number in range(1500))
    printed = markdown(samples.report(findings=findings))
    assert len(printed.encode()) <= LIMIT
    assert " more, for which there is no room here.**" in printed


def test_a_single_finding_that_is_too_long_does_not_keep_the_others_out() -> None:
    endless = samples.finding(fix=Fix("select 1;\n" * 20_000))
    short = samples.finding(Severity.LOW, title="Short")
    rows = tuple(each for number in range(900) for each in samples.row("anon", f"public.t{number}", (Reach.ALL,) * 4))
    printed = markdown(samples.report(findings=(endless, short), matrix=rows))
    assert len(printed.encode()) <= LIMIT
    assert "**1 finding is not told here" in printed
    assert "<b>Short</b>" in printed
    assert "**900 rows of the matrix go beyond intent, for which there is no room here.**" in printed


@pytest.mark.parametrize("word", ["\U0001f4a5" * 500, "\u202e" * 500, "&" * 500, "@" * 500, "表" * 500])
def test_no_name_is_so_long_that_the_limit_is_broken(word: str) -> None:
    report = mischievous(word)
    full = replace(
        report,
        personas=tuple(Persona(f"{number}{word}", "r") for number in range(50)),
        matrix=tuple(samples.cell("anon", "t", reach=Reach.UNKNOWN, because=f"{number}{word}") for number in range(50)),
        skipped=tuple(Skipped(f"{number}{word}", f"{number}{word}") for number in range(50)),
    )
    assert len(markdown(full).encode()) <= LIMIT


def test_more_names_than_there_is_room_for_are_counted() -> None:
    personas = tuple(Persona(f"p{number}", "r") for number in range(7))
    printed = markdown(samples.report(personas=personas))
    assert "as p0, p1, p2 and p3 and 3 more" in printed


def test_things_skipped_for_one_reason_are_counted() -> None:
    assert "- schema s00 and 49 more: no USAGE" in markdown(samples.many())
    many = samples.report(skipped=tuple(Skipped(f"s{number}", f"r{number}") for number in range(12)))
    assert "- … and 2 more reasons" in markdown(many)


def test_sql_that_does_not_run_as_it_stands_says_so() -> None:
    assert "do not run as they stand" in markdown(samples.hostile())


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("public.notes", "public.notes"),
        ("a_b*c", "a&#95;b&#42;c"),
        ("- x", "&#45; x"),
        ("12. x", "12&#46; x"),
        ("well-known", "well-known"),
        ("a\nb", "a&#92;nb"),
    ],
)
def test_entities(text: str, marked: str) -> None:
    assert entities(text) == marked
    assert tag(text) == f"<code>{marked}</code>"


def test_words_that_could_be_taken_for_more_stand_in_code() -> None:
    assert prose("ask @bob about #1") == "ask <code>&#64;bob</code> about <code>&#35;1</code>"
    assert prose("ask @bob", code=span) == "ask `@bob`"


@pytest.mark.parametrize(("text", "marked"), [("a", "`a`"), ("a`b", "``a`b``"), ("`a", "`` `a ``"), (" a", "`  a `")])
def test_spans_of_code(text: str, marked: str) -> None:
    assert span(text) == marked


def test_nothing_is_no_code() -> None:
    assert span("") == ""


def test_a_block_of_code_ends_where_it_ends() -> None:
    assert fenced(["````"]) == "`````sql\n````\n`````"
