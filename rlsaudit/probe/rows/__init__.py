"""Synthetic rows: put into the tables of any schema, within a transaction that the caller rolls back.

Whose each of them is, is known, so that reads and writes can be attacked with them.
"""

from rlsaudit.probe.rows.metadata import introduction
from rlsaudit.probe.rows.model import Principal, Row, Seeds
from rlsaudit.probe.rows.sowing import Sown, seed

__all__ = ["Principal", "Row", "Seeds", "Sown", "introduction", "seed"]
