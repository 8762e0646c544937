"""A throwaway Postgres behind one small interface."""

from rlsaudit.engine.model import Candidate, EngineRequest
from rlsaudit.engine.selection import candidates, choose, provider_names, start
from rlsaudit.engine.server import Server

__all__ = ["Candidate", "EngineRequest", "Server", "candidates", "choose", "provider_names", "start"]
