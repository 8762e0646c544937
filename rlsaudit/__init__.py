"""rlsaudit: who can read or write what in a Postgres database, and whether that is what its owner meant."""

__version__ = "0.1.0"
