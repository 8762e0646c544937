"""Proofs: typed expressions, solved. The only importer of the solver."""

from rlsaudit.policy.proof.outcomes import Outcomes
from rlsaudit.policy.proof.prover import Prover
from rlsaudit.policy.proof.solution import Solution, Witness

__all__ = ["Outcomes", "Prover", "Solution", "Witness"]
