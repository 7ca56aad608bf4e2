"""Who may send webhooks: whoever knows the secret, shown as a header or by a signature over the body.

Helius sends back, as the Authorization header, the text that was given with the webhook, and signs nothing
(https://www.helius.dev/docs/faqs/webhooks). The second way, HMAC-SHA256 of the raw body, is for relays that sign.
Secrets are compared by `hmac.compare_digest` alone, over digests of one length: the time an answer takes says nothing.
"""

import hashlib
import hmac
import re
from typing import Protocol

from starlette.datastructures import Headers

SIGNATURE_HEADERS = ("x-helius-signature", "x-signature")
"""Where a signature over the body may stand; the first that is there counts."""

_HEX_SHA256 = re.compile(r"(?:sha256=)?([0-9a-fA-F]{64})")


class WebhookAuthentication(Protocol):
    """Both are asked, `may_be_read` before a byte of the body is read, `is_authentic` over the whole body."""

    def may_be_read(self, headers: Headers) -> bool: ...

    def is_authentic(self, headers: Headers, body: bytes) -> bool: ...


class HeaderSecret:
    """The Authorization header is the secret, to the byte."""

    def __init__(self, secret: str) -> None:
        self._digest = hashlib.sha256(secret.encode()).digest()

    def may_be_read(self, headers: Headers) -> bool:
        shown = headers.get("authorization", "")
        # Headers are decoded as latin-1, so this gives the bytes back as they came.
        return hmac.compare_digest(hashlib.sha256(shown.encode("latin-1")).digest(), self._digest)

    def is_authentic(self, headers: Headers, body: bytes) -> bool:
        return self.may_be_read(headers)


class BodySignature:
    """A header holds HMAC-SHA256 of the raw body under the secret, in hexadecimal, with or without `sha256=` before it."""

    def __init__(self, secret: str) -> None:
        self._key = secret.encode()

    def may_be_read(self, headers: Headers) -> bool:
        return _shown_signature(headers) is not None

    def is_authentic(self, headers: Headers, body: bytes) -> bool:
        shown = _shown_signature(headers)
        return shown is not None and hmac.compare_digest(hmac.digest(self._key, body, "sha256"), shown)


def _shown_signature(headers: Headers) -> bytes | None:
    for name in SIGNATURE_HEADERS:
        shown = headers.get(name)
        if shown is not None:
            match = _HEX_SHA256.fullmatch(shown)
            return bytes.fromhex(match[1]) if match else None
    return None
