"""Attack the rows of strangers: real statements that write, as the persona, each undone at once."""

from rlsaudit.probe.attack.attacked import Attacked
from rlsaudit.probe.attack.campaign import Campaign, attack

__all__ = ["Attacked", "Campaign", "attack"]
