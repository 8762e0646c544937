"""Migrations: found in a repository, replayed in a throwaway Postgres, and each finding traced to its statement."""

from rlsaudit.migrations.blame import Blame, located
from rlsaudit.migrations.finding import find
from rlsaudit.migrations.model import Bucket, Failure, Project, Replayed, Script, Settings
from rlsaudit.migrations.replay import replay

__all__ = ["Blame", "Bucket", "Failure", "Project", "Replayed", "Script", "Settings", "find", "located", "replay"]
