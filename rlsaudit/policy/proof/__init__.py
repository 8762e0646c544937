"""Proofs: typed expressions, solved. The only importer of the solver."""

from rlsaudit.policy.proof.makings import Called, Making, Makings, Writing
from rlsaudit.policy.proof.outcomes import Outcomes
from rlsaudit.policy.proof.prover import MOST_BOUNDED, Prover
from rlsaudit.policy.proof.solution import Gain, Solution, Step, Witness

__all__ = [
    "MOST_BOUNDED",
    "Called",
    "Gain",
    "Making",
    "Makings",
    "Outcomes",
    "Prover",
    "Solution",
    "Step",
    "Witness",
    "Writing",
]
