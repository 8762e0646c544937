"""What a secret looks like: the only door to the library that knows it.

Its patterns are of the kind that Postgres understands as well, so the server can look for them itself: what they fit
never leaves it. Patterns that go by the word before a value, or by how random it looks, are left out; they fit too much
of what tables hold.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from functools import cache

_HYPHEN = re.compile(r"(?<!\\)-_\]")
_MOST = re.compile(r",(\d+)\}")
_MOST_REPEATED = 255
"""Postgres's DUPMAX."""
_SERVICE_ROLE = b'"role":"service_role"'


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of secret in words, and a pattern for it that Python and Postgres read alike; `any_case`: as `~*`."""

    kind: str
    pattern: str
    any_case: bool = False


@cache
def shapes() -> tuple[Shape, ...]:
    """Returns the shapes that secrets have."""
    # The library takes long to load, and most commands do without.
    from detect_secrets.plugins import (  # noqa: PLC0415
        aws,
        azure_storage_key,
        basic_auth,
        discord,
        github_token,
        gitlab_token,
        mailchimp,
        npm,
        openai,
        private_key,
        pypi_token,
        sendgrid,
        slack,
        square_oauth,
        stripe,
        telegram_token,
    )  # fmt: skip

    known = (
        aws.AWSKeyDetector, azure_storage_key.AzureStorageKeyDetector, basic_auth.BasicAuthDetector,
        discord.DiscordBotTokenDetector, github_token.GitHubTokenDetector, gitlab_token.GitLabTokenDetector,
        mailchimp.MailchimpDetector, npm.NpmDetector, openai.OpenAIDetector, private_key.PrivateKeyDetector,
        pypi_token.PypiTokenDetector, sendgrid.SendGridDetector, slack.SlackDetector, square_oauth.SquareOAuthDetector,
        stripe.StripeDetector, telegram_token.TelegramBotTokenDetector,
    )  # fmt: skip
    return (
        Shape("Supabase secret key", r"sb_secret_[A-Za-z0-9_-]{20,}"),
        Shape("Supabase service_role key", rf"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*({'|'.join(_encoded(_SERVICE_ROLE))})"),
        *(
            Shape(one.secret_type, _portable(pattern.pattern), any_case=bool(pattern.flags & re.IGNORECASE))
            for one in known
            for pattern in one.denylist
            # The name of an access key is in every address that it has signed.
            if one is not aws.AWSKeyDetector or pattern.flags & re.IGNORECASE
        ),
    )


def kinds_in(text: str) -> tuple[str, ...]:
    """Returns the kinds of secrets that a text holds, and none of what they are."""
    found = (one.kind for one in shapes() if re.search(one.pattern, text, re.IGNORECASE if one.any_case else 0))
    return tuple(dict.fromkeys(found))


def _portable(pattern: str) -> str:
    """A pattern as Postgres takes it too: a hyphen is at the end of its set, and it counts no further than it can."""
    return _MOST.sub(lambda most: f",{min(int(most[1]), _MOST_REPEATED)}}}", _HYPHEN.sub("_-]", pattern))


def _encoded(content: bytes) -> list[str]:
    """What base64 makes of a text, wherever it begins among three bytes: what its neighbours do not change of that."""
    found = []
    for before in range(3):
        text = base64.urlsafe_b64encode(b"\0" * before + content).decode()
        whole = (before + len(content)) // 3 * 4
        found.append(text[before + 1 if before else 0 : whole])
    return found
