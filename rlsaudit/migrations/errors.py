"""What is wrong with a file, told with its line; the replay makes a `Failure` of it."""


class UnreadableError(Exception):
    """A file cannot be read as SQL from `line` on."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason
