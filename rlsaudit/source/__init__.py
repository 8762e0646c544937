"""Whatever can be audited, from what the user names: a database, a snapshot, migrations, a git reference."""

from rlsaudit.source.built import Recipe, Standing, from_migrations, replayed_at
from rlsaudit.source.clone import in_a_clone
from rlsaudit.source.git import checked_out
from rlsaudit.source.named import Named, database_side, open_side

__all__ = [
    "Named",
    "Recipe",
    "Standing",
    "checked_out",
    "database_side",
    "from_migrations",
    "in_a_clone",
    "open_side",
    "replayed_at",
]
