"""Proofs: typed expressions, solved. The only importer of the solver."""
