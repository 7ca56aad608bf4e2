"""Saying that an endpoint is in trouble: soon after it begins, seldom while it lasts, and never with a key in the text."""

import logging
import os
import socket
import ssl

from oof_pipelines.interfaces import Clock
from oof_pipelines.settings import SecretUrl

logger = logging.getLogger(__name__)

# One answer that failed is nothing to report; every call failing for this long is.
_WARN_AFTER_SECONDS = 0.5
_WARN_AGAIN_SECONDS = 60.0
# How far an error is asked for its cause: httpx over httpcore over anyio over the operating system is five.
_CAUSES_DEPTH = 10


class TroubleReport:
    """What the log says of one endpoint. `failed` and `answered` are called after every answer, or lack of one."""

    def __init__(self, url: SecretUrl, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._failing_since_s: float | None = None
        self._warned_at_s: float | None = None
        self._is_warned = False

    def failed(self, reason: str, *, is_plain: bool) -> None:
        """No usable answer, for `reason`. `is_plain` says that waiting will hardly mend it: that is reported at once."""
        now_s = self._clock.monotonic_s()
        if self._failing_since_s is None:
            self._failing_since_s = now_s
        if not is_plain and now_s - self._failing_since_s < _WARN_AFTER_SECONDS:
            return
        if self._warned_at_s is not None and now_s - self._warned_at_s < _WARN_AGAIN_SECONDS:
            return
        self._warned_at_s = now_s
        self._is_warned = True
        fields = {"setting": self._url.setting, "endpoint": str(self._url), "reason": reason}
        logger.warning("endpoint fails, trying on", extra=fields)

    def answered(self) -> None:
        """A usable answer, refusals of one request included."""
        self._failing_since_s = None
        if self._is_warned:
            self._is_warned = False
            logger.info("endpoint answers again", extra={"setting": self._url.setting, "endpoint": str(self._url)})


def reason_of(error: BaseException) -> str:
    """`error` in the words of the operating system or of TLS, which hold no address; else the name of its class alone.

    The message itself may hold the address, and with it a key.
    """
    name = type(error).__name__
    words = None
    cause: BaseException | None = error
    for _ in range(_CAUSES_DEPTH):
        if cause is None:
            break
        words = _safe_words(cause) or words
        inner = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else None
        cause = inner or cause.__cause__ or cause.__context__
    return f"{name}: {words}" if words else name


def _safe_words(error: BaseException) -> str | None:
    if isinstance(error, ssl.SSLError):
        hint = " (does the endpoint speak http:// or ws://?)" if error.reason == "WRONG_VERSION_NUMBER" else ""
        return f"TLS {error.reason}{hint}" if error.reason else None
    if isinstance(error, socket.gaierror):
        return error.strerror
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return None
