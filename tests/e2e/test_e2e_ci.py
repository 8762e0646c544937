"""The files that CI servers and pre-commit take from this repository, each run as they run it, on the example."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from runner import (
    ACTION,
    EXAMPLE,
    ROOT,
    checkout,
    checkout_of_depth,
    commit,
    environment,
    git,
    load,
    migrate,
    run_action,
    run_gitlab,
    upstream,
    used,
)

DOOR = """\
-- What everybody reads, for the home page.

create view public.wall as
  select body from public.notes where published;
"""
HARMLESS = "alter table public.notes add column page integer;\n"
NAME = "20260115090000_wall.sql"
PLACE = f"supabase/migrations/{NAME}"


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    return upstream(tmp_path / "origin", NAME, DOOR)


def pull_request(workspace: Path, **inputs: str) -> Any:  # noqa: ANN401  a `Ran`
    return run_action(workspace, workspace.parent / "temp", used(**inputs), GITHUB_BASE_REF="main")


# GitHub


def test_a_pull_request_gets_the_door_at_its_line(origin: Path, tmp_path: Path) -> None:
    ran = pull_request(checkout(origin, tmp_path / "workspace"))
    assert ran.code == 1, ran.err
    (found,) = [(kind, told) for kind, told, _ in ran.annotations() if "file" in told]
    assert found[0] == "error"
    assert found[1].items() >= {"file": PLACE, "line": "3"}.items()
    assert ran.outputs["exit-code"] == "1"
    assert f"{PLACE}:3" in html.unescape(ran.summary)
    assert Path(ran.outputs["markdown-file"]).read_text(encoding="utf-8").count("public.wall")
    (result,) = json.loads(Path(ran.outputs["sarif-file"]).read_text(encoding="utf-8"))["runs"][0]["results"]
    where = result["locations"][0]["physicalLocation"]
    assert (where["artifactLocation"]["uri"], where["region"]["startLine"]) == (PLACE, 3)
    (finding,) = json.loads(Path(ran.outputs["json-file"]).read_text(encoding="utf-8"))["findings"]
    assert finding["rule"] == "definer-view"


def test_a_change_that_opens_nothing_passes(tmp_path: Path) -> None:
    origin = upstream(tmp_path / "origin", NAME, HARMLESS)
    ran = pull_request(checkout(origin, tmp_path / "workspace"))
    assert (ran.code, ran.outputs["exit-code"]) == (0, "0"), ran.err
    assert ran.annotations() == []
    assert "rlsaudit" in ran.summary


@pytest.mark.parametrize("depth", [1, 2])
def test_a_checkout_without_the_base_says_what_to_do(origin: Path, tmp_path: Path, depth: int) -> None:
    ran = pull_request(checkout_of_depth(origin, tmp_path / "workspace", depth))
    assert ran.code == 2
    assert [kind for kind, _, message in ran.annotations() if "`fetch-depth: 0`" in message] == ["error"]
    assert ran.outputs == {"exit-code": "2", "sarif-file": "", "markdown-file": "", "json-file": ""}
    assert ran.summary == ""


def test_two_commits_are_enough_for_who_names_the_first_parent(origin: Path, tmp_path: Path) -> None:
    ran = pull_request(checkout_of_depth(origin, tmp_path / "workspace", 2), base="HEAD^1")
    assert ran.code == 1
    assert [told["line"] for _, told, _ in ran.annotations() if "file" in told] == ["3"]


def test_what_others_merged_meanwhile_is_not_counted(tmp_path: Path) -> None:
    """Against the tip of main, which has closed it, an old door would look like one of this change."""
    origin = tmp_path / "origin"
    upstream(origin, NAME, HARMLESS)
    migrate(origin, "20260102090000_old.sql", "create table public.old (id int primary key, secret text);\n")
    commit(origin, "an old door")
    git(origin, "switch", "--quiet", "--detach", "main")
    git(origin, "merge", "--quiet", "--no-ff", "--message", "Merge", "feature")
    git(origin, "update-ref", "refs/pull/1/merge", "HEAD")
    git(origin, "switch", "--quiet", "main")
    migrate(origin, "20260120090000_closed.sql", "alter table public.old enable row level security;\n")
    commit(origin, "closed")
    workspace = checkout(origin, tmp_path / "workspace")
    assert pull_request(workspace).code == 0
    tip = run_action(workspace, tmp_path / "again", used(base="origin/main"), GITHUB_BASE_REF="main")
    assert tip.code == 1


def test_without_a_pull_request_everything_counts(origin: Path, tmp_path: Path) -> None:
    workspace = checkout(origin, tmp_path / "workspace")
    assert run_action(workspace, tmp_path / "temp", used(intent="")).code == 1
    assert run_action(workspace, tmp_path / "none", used(base="none"), GITHUB_BASE_REF="main").code == 1
    git(workspace, "checkout", "--quiet", "origin/main")
    assert run_action(workspace, tmp_path / "clean", used()).code == 0


def test_a_migration_that_fails_is_an_annotation(tmp_path: Path) -> None:
    origin = upstream(tmp_path / "origin", NAME, "\nalter table public.nothing enable row level security;\n")
    ran = pull_request(checkout(origin, tmp_path / "workspace"))
    assert ran.code == 2
    ((kind, told, message),) = ran.annotations()
    assert (kind, told["title"]) == ("error", "rlsaudit could not audit")
    assert f"{PLACE}:2" in message
    assert "--continue" in message
    assert f"{PLACE}:2" in ran.err
    assert ran.outputs["sarif-file"] == ""


def test_inputs_reach_the_check(origin: Path, tmp_path: Path) -> None:
    workspace = checkout(origin, tmp_path / "workspace")
    settings = {"fail-on": "critical", "strict": "true", "grants": "explicit", "args": "--schema\npublic\n--probe=none"}
    ran = pull_request(workspace, **settings)
    assert ran.code == 3, ran.err
    report = json.loads(Path(ran.outputs["json-file"]).read_text(encoding="utf-8"))
    assert (report["target"]["schemas"], report["target"]["probe"]) == (["public"], "none")
    assert report["findings"] == []
    applied = run_action(
        workspace, tmp_path / "applied", used(base="none", apply="sh apply.sh", platform="supabase", path="supabase")
    )
    assert "sh failed" in applied.err


@pytest.mark.parametrize("name", sorted(set(load(ACTION)["inputs"]) - {"python"}))
def test_an_input_is_never_run(origin: Path, tmp_path: Path, name: str) -> None:
    value = "-x\"; touch it; '; touch it; $(touch it) `touch it`\n::error::it\n"
    workspace = checkout(origin, tmp_path / "workspace")
    ran = pull_request(workspace, **{name: value})
    assert ran.code == 2
    assert not [path for path in tmp_path.rglob("it") if path.name == "it"]
    assert not any(message == "it" for _, _, message in ran.annotations())


def test_no_script_of_the_action_holds_an_expression() -> None:
    action = load(ACTION)
    steps = action["runs"]["steps"]
    assert [step for step in steps if "${{" in step["run"]] == []
    given = " ".join(value for step in steps for value in step["env"].values())
    assert {name for name in action["inputs"] if f"${{{{ inputs.{name} }}}}" not in given} == set()


# GitLab


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_a_merge_request_gets_code_quality_and_tests(origin: Path, tmp_path: Path, shell: str) -> None:
    workspace = tmp_path / "workspace"
    git(tmp_path, "clone", "--quiet", "--branch", "feature", str(origin), str(workspace))
    git(workspace, "checkout", "--quiet", "--detach")
    base = git(workspace, "merge-base", "origin/main", "HEAD")
    own = load(EXAMPLE / ".gitlab-ci.yml")["variables"]
    ran = run_gitlab(workspace, shell, **own, CI_MERGE_REQUEST_DIFF_BASE_SHA=base)
    assert ran.code == 1, ran.err
    reports = load(ROOT / "ci" / "gitlab.yml")["rlsaudit"]["artifacts"]["reports"]
    issues = json.loads((workspace / reports["codequality"]).read_text(encoding="utf-8"))
    (issue,) = [one for one in issues if one["severity"] == "blocker"]
    assert (issue["location"]["path"], issue["location"]["lines"]["begin"]) == (PLACE, 3)
    assert failed(workspace / reports["junit"]) == [f"{PLACE}:3"]
    assert "public.wall" in ran.out


def test_a_pipeline_for_merged_results_is_compared_with_the_target(origin: Path) -> None:
    """It has what others merged since the branch was made, which is in the target branch and not of this request."""
    fork = git(origin, "rev-parse", "main")
    migrate(origin, "20260110090000_others.sql", "create table public.others (id int primary key, secret text);\n")
    target = commit(origin, "what others merged")
    git(origin, "switch", "--quiet", "--create", "merged", "main")
    git(origin, "merge", "--quiet", "--no-ff", "--message", "Merge", "feature")
    own = load(EXAMPLE / ".gitlab-ci.yml")["variables"]
    shas = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": fork, "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": target}
    assert run_gitlab(origin, "sh", **own, **shas).code == 1
    assert failed(origin / "rlsaudit-junit.xml") == [f"{PLACE}:3"]


def test_the_default_branch_is_compared_with_what_it_was_before(origin: Path) -> None:
    own = load(EXAMPLE / ".gitlab-ci.yml")["variables"]
    git(origin, "merge", "--quiet", "--no-ff", "--message", "Merge", "feature")
    assert run_gitlab(origin, "sh", **own).code == 1
    git(origin, "commit", "--quiet", "--allow-empty", "--message", "Something else")
    assert run_gitlab(origin, "sh", **own).code == 0


def failed(report: Path) -> list[str]:
    """The first lines of what the suite of findings says of those that failed."""
    suites = ET.parse(report).getroot().findall("./testsuite[@name='findings']")  # noqa: S314  our own report
    return [(one.text or "").strip().splitlines()[0] for suite in suites for one in suite.findall(".//failure")]


# pre-commit


def hook() -> tuple[dict[str, Any], list[str]]:
    """The hook, and the command that pre-commit makes of it with the example's configuration."""
    (ours,) = load(ROOT / ".pre-commit-hooks.yaml")
    (config,) = load(EXAMPLE / ".pre-commit-config.yaml")["repos"]
    (wanted,) = config["hooks"]
    assert wanted["id"] == ours["id"]
    program, *rest = ours["entry"].split()
    return ours, [str(Path(sys.prefix, "bin", program)), *rest, *wanted.get("args", ours["args"])]


@pytest.mark.parametrize(("sql", "code"), [(DOOR, 1), (HARMLESS, 0)])
def test_the_hook_looks_at_what_is_to_be_committed(tmp_path: Path, sql: str, code: int) -> None:
    origin = upstream(tmp_path / "origin", NAME, HARMLESS)
    migrate(origin, NAME, sql)
    git(origin, "add", "--all")
    done = run_hook(hook()[1], origin, {"GIT_INDEX_FILE": ".git/index"})
    assert done.returncode == code, done.stderr
    assert ("public.wall" in done.stdout) is (code == 1)


def test_the_hook_is_not_misled_by_what_git_tells_hooks(tmp_path: Path) -> None:
    """In a linked work tree git says by variables where it is, and then takes any directory for its top."""
    origin, work = tmp_path / "origin", tmp_path / "work"
    (origin / "backend").mkdir(parents=True)
    (origin / "backend" / "1.sql").write_text("create table t (id int);\n")
    git(origin, "init", "--quiet", "--initial-branch=main")
    commit(origin, "one of several projects")
    git(origin, "worktree", "add", "--quiet", "--detach", str(work), "main")
    variables = {"GIT_DIR": git(work, "rev-parse", "--absolute-git-dir"), "GIT_INDEX_FILE": str(tmp_path / "index")}
    program = hook()[1][:2]
    done = run_hook([*program, "--base", "HEAD", "backend"], work, variables)
    assert done.returncode == 0, done.stderr


def run_hook(command: list[str], place: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    env = environment(**variables)
    return subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (PLACE, True),
        ("supabase/config.toml", True),
        ("rlsaudit.toml", True),
        ("db/migrations/1_x.up.sql", True),
        ("drizzle/meta/_journal.json", True),
        ("README.md", False),
        ("supabase/functions/hello/index.ts", False),
        ("pyproject.toml", False),
    ],
)
def test_the_hook_is_for_files_that_access_depends_on(path: str, wanted: bool) -> None:  # noqa: FBT001
    assert bool(re.search(hook()[0]["files"], path)) is wanted


# What their authors say of the files' form


@pytest.mark.parametrize(
    ("schema", "file", "more"),
    [
        ("vendor.github-actions", ACTION, []),
        ("vendor.github-workflows", EXAMPLE / ".github" / "workflows" / "rlsaudit.yml", []),
        ("vendor.gitlab-ci", ROOT / "ci" / "gitlab.yml", ["--data-transform", "gitlab-ci"]),
        ("vendor.gitlab-ci", EXAMPLE / ".gitlab-ci.yml", ["--data-transform", "gitlab-ci"]),
    ],
    ids=["action", "workflow", "gitlab template", "gitlab example"],
)
def test_the_form_is_right(schema: str, file: Path, more: list[str]) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *more, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("what", "file"),
    [("manifest", ROOT / ".pre-commit-hooks.yaml"), ("config", EXAMPLE / ".pre-commit-config.yaml")],
)
def test_pre_commit_takes_the_file(what: str, file: Path) -> None:
    command = [sys.executable, "-m", "pre_commit", f"validate-{what}", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
