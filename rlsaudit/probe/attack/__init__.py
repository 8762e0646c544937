"""Attack the rows of strangers: real statements that write, as the persona, each undone at once."""

from rlsaudit.probe.attack.attacked import Attacked
from rlsaudit.probe.attack.calls import Called, Measured
from rlsaudit.probe.attack.campaign import NO_CAMPAIGN, Campaign, Ground, attack
from rlsaudit.probe.attack.chains import Chained

__all__ = ["NO_CAMPAIGN", "Attacked", "Called", "Campaign", "Chained", "Ground", "Measured", "attack"]
