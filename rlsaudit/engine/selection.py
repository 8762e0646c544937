"""Which throwaway Postgres is taken, and why."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.engine.model import EngineRequest
from rlsaudit.engine.providers import PROVIDERS
from rlsaudit.engine.server import Server
from rlsaudit.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine.model import Candidate, Provider


def candidates(request: EngineRequest) -> tuple[Candidate, ...]:
    """Everything that could be taken or could not, in the order in which it is tried, and why.

    The first usable one is what `start` takes, unless one before it was named by the user and is broken.
    """
    return tuple(candidate for _, candidate in _find(request))


def provider_names() -> tuple[str, ...]:
    """What `EngineRequest.provider` may be, in the order in which they are tried."""
    return tuple(provider.name for provider in PROVIDERS)


def choose(request: EngineRequest) -> Candidate:
    """What `start` would take.

    Raises:
        EngineError: there is nothing, or what the user named is broken.
    """
    return _choose(request)[1]


@contextmanager
def start(request: EngineRequest | None = None) -> Iterator[Server]:
    """Run a throwaway Postgres; it is gone when the context ends, and when this process does, whatever ends it.

    Args:
        request: which one; by default the first that is found.

    Raises:
        EngineError: none was found, or the one that was does not start.
    """
    if request is None:
        request = EngineRequest()
    provider, candidate = _choose(request)
    with _without_a_service(), provider.start(candidate, request) as access:
        server = Server(access, provider.name)
        try:
            yield server
        finally:
            server.clean()


@contextmanager
def _without_a_service() -> Iterator[None]:
    """Keeps PGSERVICE out of libpq's sight: it would send our connections elsewhere, and no parameter overrules it."""
    service = os.environ.pop("PGSERVICE", None)
    try:
        yield
    finally:
        if service is not None:
            os.environ["PGSERVICE"] = service


def _find(request: EngineRequest) -> Iterator[tuple[Provider, Candidate]]:
    for provider in PROVIDERS:
        if request.provider not in (None, provider.name):
            continue
        for candidate in provider.find(request):
            if candidate.usable and request.major is not None and candidate.major != request.major:
                reason = f"{candidate.reason}: {candidate.version}, and Postgres {request.major} was asked for"
                # That it has another major does not make one broken that the user named: the next may have it.
                yield provider, replace(candidate, usable=False, reason=reason, explicit=False)
            else:
                yield provider, candidate


def _choose(request: EngineRequest) -> tuple[Provider, Candidate]:
    refused = []
    for provider, candidate in _find(request):
        if candidate.usable:
            return provider, candidate
        if candidate.explicit:
            message = f"The Postgres that was named cannot be used: {candidate.reason}."
            raise EngineError(message, hint="Correct it, or leave it out and let rlsaudit find one.")
        refused.append(f"{candidate.provider}: {candidate.reason}")
    wanted = f"Postgres {request.major}" if request.major is not None else "Postgres"
    message = f"There is no {wanted} to throw away. {'. '.join(refused)}."
    hint = "Install one with `pip install 'rlsaudit[embedded]'`, or name one with `--pg-bin` or `--engine-url`."
    if request.provider is not None:
        hint = "Mend that, or leave out --engine: `rlsaudit engine` shows what would be taken then."
    raise EngineError(message, hint=hint)
