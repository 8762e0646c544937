"""What the runners of GitHub and GitLab do with a job, as far as our files depend on it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
EXAMPLE = Path(__file__).parent / "example"
ACTION = ROOT / "action.yml"
INSTALL = "Install rlsaudit"
SECONDS = 300
_EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "XDG_CACHE_HOME")


def load(path: Path) -> Any:  # noqa: ANN401  whatever the file says
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@dataclass
class Ran:
    """What came of a job's steps."""

    code: int
    out: str
    err: str
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""

    def annotations(self) -> list[tuple[str, dict[str, str], str]]:
        """The workflow commands in the log: kind, properties, message."""
        found = re.findall(r"^::(\w+) ([^:]*(?:[^:]|:(?!:))*)::(.*)$", self.out, re.MULTILINE)
        return [(kind, dict(re.findall(r"(\w+)=([^,]*)", listed)), message) for kind, listed, message in found]


def environment(**added: str) -> dict[str, str]:
    """Little of ours: nothing that names a database, or a repository to git."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | added


def git(place: Path, *arguments: str) -> str:
    who = {f"GIT_{one}_{what}": "ci@example.com" for one in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(  # noqa: S603  our own arguments
        ["git", "-C", str(place), *arguments],  # noqa: S607  whichever there is
        env=environment(**who),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


def migrate(place: Path, name: str, sql: str) -> None:
    """Adds a migration to the example."""
    (place / "supabase" / "migrations" / name).write_text(sql, encoding="utf-8")


def commit(place: Path, message: str) -> str:
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", message)
    return git(place, "rev-parse", "HEAD")


def upstream(place: Path, name: str, sql: str) -> Path:
    """The example as a repository: `main`, a branch with a migration more, and the merge that GitHub makes of both."""
    shutil.copytree(EXAMPLE, place)
    git(place, "init", "--quiet", "--initial-branch=main")
    commit(place, "the example")
    git(place, "switch", "--quiet", "--create", "feature")
    migrate(place, name, sql)
    commit(place, "the change")
    git(place, "switch", "--quiet", "--detach", "main")
    git(place, "merge", "--quiet", "--no-ff", "--message", "Merge", "feature")
    git(place, "update-ref", "refs/pull/1/merge", "HEAD")
    git(place, "switch", "--quiet", "main")
    return place


def checkout(origin: Path, place: Path) -> Path:
    """What the example's workflow checks out, in the way of actions/checkout on a pull request: no branch, a merge."""
    steps = load(EXAMPLE / ".github" / "workflows" / "rlsaudit.yml")["jobs"]["rlsaudit"]["steps"]
    return checkout_of_depth(origin, place, steps[0]["with"]["fetch-depth"])


def checkout_of_depth(origin: Path, place: Path, depth: int) -> Path:
    place.mkdir()
    git(place, "init", "--quiet")
    git(place, "remote", "add", "origin", origin.as_uri())
    wanted = ["+refs/pull/1/merge:refs/remotes/pull/1/merge"]
    if depth == 0:
        wanted += ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]
    else:
        wanted += ["--no-tags", f"--depth={depth}"]
    git(place, "fetch", "--quiet", "origin", *wanted)
    git(place, "checkout", "--quiet", "--force", "refs/remotes/pull/1/merge")
    return place


def used(**inputs: str) -> dict[str, str]:
    """The action's inputs as the example's workflow gives them, with others over them."""
    steps = load(EXAMPLE / ".github" / "workflows" / "rlsaudit.yml")["jobs"]["rlsaudit"]["steps"]
    defaults = {name: str(one["default"]) for name, one in load(ACTION)["inputs"].items()}
    return {**defaults, **steps[1]["with"], **inputs}


def run_action(workspace: Path, temp: Path, inputs: Mapping[str, str], **variables: str) -> Ran:
    """Runs the steps of action.yml one after the other, as the runner does with those of a composite action.

    All but the installation: that takes half a minute and a package registry, and `.ci/run` does it. What it leaves, a
    virtual environment with rlsaudit, is the one that the tests run in.
    """
    action = load(ACTION)
    venv = temp / "rlsaudit" / "venv"
    venv.parent.mkdir(parents=True)
    venv.symlink_to(sys.prefix, target_is_directory=True)
    values = {f"inputs.{name}": value for name, value in inputs.items()}
    summary = temp / "summary.md"
    ran = Ran(0, "", "")
    for number, step in enumerate(one for one in action["runs"]["steps"] if one["name"] != INSTALL):
        outputs = temp / f"output-{number}"
        script = temp / f"step-{number}.sh"
        outputs.touch()
        script.write_text(step["run"], encoding="utf-8")
        assert step["shell"] == "bash"
        done = subprocess.run(  # noqa: S603  our own script
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],  # noqa: S607  as the runner does
            cwd=workspace,
            env=environment(
                **{name: _filled(value, values) for name, value in step["env"].items()},
                GITHUB_ACTIONS="true",
                GITHUB_ACTION_PATH=str(ACTION.parent),
                GITHUB_OUTPUT=str(outputs),
                GITHUB_STEP_SUMMARY=str(summary),
                GITHUB_WORKSPACE=str(workspace),
                RUNNER_TEMP=str(temp),
                **variables,
            ),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        ran.code, ran.out, ran.err = done.returncode, ran.out + done.stdout, ran.err + done.stderr
        told = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
        values |= {f"steps.{step['id']}.outputs.{name}": value for name, value in told.items()}
        if ran.code:
            break
    ran.outputs = {name: _filled(str(one["value"]), values) for name, one in action["outputs"].items()}
    ran.summary = summary.read_text(encoding="utf-8") if summary.exists() else ""
    return ran


def _filled(text: str, values: Mapping[str, str]) -> str:
    """A value with its expressions replaced; by nothing where there is none, as the runner does it."""
    return _EXPRESSION.sub(lambda one: values.get(one[1], ""), text)


def run_gitlab(workspace: Path, shell: str, **variables: str) -> Ran:
    """Runs the job of ci/gitlab.yml in a shell, with rlsaudit on the PATH, as it is in an image that has it."""
    job = load(ROOT / "ci" / "gitlab.yml")["rlsaudit"]
    script = "\n".join(["set -e", *job["before_script"], *job["script"]])
    programs = f"{Path(sys.prefix, 'bin')}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(  # noqa: S603  our own script
        [shell],
        input=script,
        cwd=workspace,
        env=environment(**{**job["variables"], **variables, "PATH": programs}),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
