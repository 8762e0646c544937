"""What a client can write into its own request or profile, by where it stands there."""

from __future__ import annotations

import re

_AT_WILL = frozenset({"user_metadata", "request.cookies"})
_HEADERS = "request.headers"
_OWN_HEADER = re.compile(r"x-(?!forwarded|real|request|client|amz|envoy|kong|consumer|supabase)[a-z0-9-]+")
"""A header that no proxy on the way sets or strips; PostgREST gives names in lower case."""
_E_MAIL = re.compile(r"[a-z0-9]+([._+-][a-z0-9]+)*@[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+")
_STEP = re.compile(r"\.((?:[^.\\]|\\.)*)", re.DOTALL)
SOURCES = ("user_metadata", "request.cookies", _HEADERS)
"""Where there are several values, by path."""
THE_E_MAIL, LEVEL = "the e-mail", "aal"
NO_ADDRESS = "the address that it has not got"
"""What the token of somebody without an account has in the place of an address: an empty text, for good."""
LEVELS = frozenset({"aal1", "aal2"})


def joined(path: tuple[str, ...]) -> str:
    """Returns what a path into the claims is called, and no other: its steps between dots."""
    return ".".join(one.replace("\\", "\\\\").replace(".", "\\.") for one in path)


def key_of(source: str, path: tuple[str, ...]) -> str:
    """Returns what a value of a source is called, and no other: the source, then the path."""
    return f"{source}.{joined(path)}" if path else source


def split_key(key: str, source: str) -> tuple[str, ...]:
    """Returns the path that `key_of` made of one into `source`; empty, it may lead into something else."""
    if not key.startswith(f"{source}."):
        return ()
    steps = _STEP.findall(key.removeprefix(source))
    return tuple(re.sub(r"\\(.)", r"\1", one, flags=re.DOTALL) for one in steps)


def may_write_anything(source: str, path: tuple[str, ...]) -> bool:
    """Whether a client can write any value at all there, for all that we know."""
    if not path:
        return False
    if source == _HEADERS:
        return len(path) == 1 and _OWN_HEADER.fullmatch(path[0]) is not None
    return source in _AT_WILL


def may_write(source: str, text: str) -> bool:
    """Whether a client can bring about this text there, wherever it can bring about any."""
    if source == THE_E_MAIL:
        return is_e_mail(text)
    if source == LEVEL:
        return text in LEVELS
    if source not in SOURCES:
        # How it signs in is for the project to offer.
        return False
    # What goes through a header comes without spaces around it.
    return source == "user_metadata" or (text.isascii() and text.isprintable() and text == text.strip())


def is_e_mail(text: str) -> bool:
    """Whether somebody can sign up with it."""
    return _E_MAIL.fullmatch(text) is not None
