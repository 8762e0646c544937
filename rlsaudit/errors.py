"""What went wrong, and what to do next.

Every failure that a user can meet is an `AuditError`: the command line prints `message` and `hint` and exits with 2.
Neither may hold a credential: whoever builds one from a driver's error passes it through `rlsaudit.connect.mask` first.
"""


class AuditError(Exception):
    """No audit took place. `message` says what happened, `hint` what to do next; both are plain sentences.

    `details` are lines to show between the two: what another program said.
    """

    def __init__(self, message: str, *, hint: str, details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details


class UsageError(AuditError):
    """What the user asked for does not exist or does not fit together."""


class ConnectionFailedError(AuditError):
    """The server could not be reached, refused us, or is one that we cannot audit."""


class EngineError(AuditError):
    """No throwaway Postgres could be found or started."""


class SnapshotError(AuditError):
    """The catalog could not be read, or a saved snapshot could not be understood."""


class IntentError(AuditError):
    """An intent file or pack is unreadable or says something that cannot be."""


class BaselineError(AuditError):
    """A baseline is unreadable, or is none."""
