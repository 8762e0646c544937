"""Migrations: found in a repository, replayed in a throwaway Postgres, and each finding traced to its statement."""

from rlsaudit.migrations.applied import Applied, applied, settings_at
from rlsaudit.migrations.blame import Blame, located
from rlsaudit.migrations.command import Command, command_of
from rlsaudit.migrations.finding import find
from rlsaudit.migrations.model import Bucket, Failure, Project, Replayed, Script, Settings
from rlsaudit.migrations.replay import replay

__all__ = [
    "Applied",
    "Blame",
    "Bucket",
    "Command",
    "Failure",
    "Project",
    "Replayed",
    "Script",
    "Settings",
    "applied",
    "command_of",
    "find",
    "located",
    "replay",
    "settings_at",
]
