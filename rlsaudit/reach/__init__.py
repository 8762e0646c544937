"""How far each persona gets, by catalog and proof: bounds for every relation and operation, over every known path."""

from rlsaudit.reach.bounds import Way, widest
from rlsaudit.reach.direct import Direct
from rlsaudit.reach.escalation import Escalation
from rlsaudit.reach.indirect import Indirect

__all__ = ["Direct", "Escalation", "Indirect", "Way", "widest"]
