"""The intent as tests that run without rlsaudit: in pgTAP, or in pytest."""

from rlsaudit.generate.checks import Check, checks
from rlsaudit.generate.pgtap import pgtap
from rlsaudit.generate.pytest_file import pytest_file

__all__ = ["Check", "checks", "pgtap", "pytest_file"]
