"""The facts: one snapshot of the catalog, decoded, indexed, and saved to a file or read from one."""

from rlsaudit.catalog.facts import PUBLIC, Snapshot
from rlsaudit.catalog.index import Catalog
from rlsaudit.catalog.platform import Platform, platform_of
from rlsaudit.catalog.saved import dump, load
from rlsaudit.catalog.take import take

__all__ = ["PUBLIC", "Catalog", "Platform", "Snapshot", "dump", "load", "platform_of", "take"]
