"""One address of a node: when it may be asked again, and what the ways in which it fails to answer mean."""

import random

import httpx

from oof_pipelines.interfaces import Clock, MethodMissingError, SourceRefusedError, UnsupportedVersionError
from oof_pipelines.settings import SecretUrl
from oof_pipelines.transport.pacing import Backoff
from oof_pipelines.transport.trouble import TroubleReport

# Codes of the validator's JSON-RPC server (agave's rpc-client-api, custom_error.rs) that pass by themselves.
_TRANSIENT_CODES = frozenset({-32004, -32005, -32014, -32603})
_BEHIND_CODE = -32016
SKIPPED_SLOT_CODES = frozenset({-32007, -32009})
_UNSUPPORTED_VERSION_CODE = -32015
_METHOD_MISSING_CODE = -32601
_NO_HISTORY_CODE = -32011
# The ones that speak of the request: wrong parameters, a block cleaned up or skipped, an address that is not indexed, a
# scan too large, a wrong signature, a slot of no epoch's boundary, storage that cannot be read.
_REQUEST_CODES = frozenset({-32602, -32001, -32010, -32012, -32013, -32018, -32019}) | SKIPPED_SLOT_CODES
_FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 15.0


class Endpoint:
    """One address, until when it is left alone, and why its last answer was none (`refusal`: it will not serve us).

    `rests` counts how often it was left alone. A failure of a request that was sent before the last rest began is the
    same trouble: it makes no longer one.
    """

    def __init__(self, url: SecretUrl, randomness: random.Random, clock: Clock) -> None:
        self.url = url
        self.available_at_s = 0.0
        self.rests = 0
        self.refusal: str | None = None
        self.trouble = TroubleReport(url, clock)
        self.backoff = Backoff(_FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS, randomness)

    def has_answered(self, rests_when_sent: int) -> None:
        """It serves us: what was wrong before is over, unless it began after the request was sent."""
        if rests_when_sent == self.rests:
            self.backoff.reset()
        self.refusal = None
        self.trouble.answered()


class TransientError(Exception):
    """What may pass: asked again later, or elsewhere. `is_plain` says that waiting will hardly mend it."""

    def __init__(self, reason: str, retry_after_seconds: float | None = None, *, is_plain: bool = False) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds
        self.is_plain = is_plain


class RefusesUsError(TransientError):
    """The endpoint does not serve us at all, whatever was asked. `is_certain` is False where only a code hints at it."""

    def __init__(self, reason: str, *, is_certain: bool = True) -> None:
        super().__init__(reason, is_plain=True)
        self.is_certain = is_certain


class BehindError(Exception):
    """The node that answered has not reached the slot that was asked of it; another one may have."""


def retry_after_seconds(response: httpx.Response) -> float | None:
    """What the answer's header asks for; None where it asks for nothing."""
    text = response.headers.get("Retry-After", "")
    # An HTTP date is allowed too; no Solana provider sends one, and our own backoff does then.
    return float(text) if text.isascii() and text.isdecimal() else None


def error_for(code: int, message: str) -> Exception:
    """What a JSON-RPC error stands for."""
    text = f"{message} (code {code})"
    if code == _UNSUPPORTED_VERSION_CODE:
        return UnsupportedVersionError(code, message)
    if code == _METHOD_MISSING_CODE:
        return MethodMissingError(code, message)
    if code in _REQUEST_CODES:
        return SourceRefusedError(code, message)
    if code == _BEHIND_CODE:
        return BehindError(text)
    if code in _TRANSIENT_CODES or code == 429:
        return TransientError(text)
    # What a provider's own codes mean (a wrong key, a spent plan) is not known, and no transaction is given up for them.
    return RefusesUsError(text, is_certain=code == _NO_HISTORY_CODE)
