"""From what the user gives as a database to a session in it, with errors that hold no credentials.

This package is the only one, besides `rlsaudit.engine`, that opens connections.
"""

from rlsaudit.connect.credentials import mask, secrets_in
from rlsaudit.connect.failures import check_version, explain
from rlsaudit.connect.receipt import receipted, unseen
from rlsaudit.connect.session import Session, connect
from rlsaudit.connect.target import target_from

__all__ = ["Session", "check_version", "connect", "explain", "mask", "receipted", "secrets_in", "target_from", "unseen"]
