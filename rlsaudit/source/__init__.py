"""Whatever can be audited, from what the user names: a database, a snapshot, migrations, a git reference."""

from rlsaudit.source.built import Recipe, from_migrations, replayed_at
from rlsaudit.source.clone import cloned, in_a_clone
from rlsaudit.source.git import checked_out
from rlsaudit.source.named import Named, database_side, open_side
from rlsaudit.source.standing import Standing

__all__ = [
    "Named",
    "Recipe",
    "Standing",
    "checked_out",
    "cloned",
    "database_side",
    "from_migrations",
    "in_a_clone",
    "open_side",
    "replayed_at",
]
