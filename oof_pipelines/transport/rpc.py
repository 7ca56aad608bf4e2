"""Solana's JSON-RPC over HTTP: fallback endpoints, backoff with jitter, one request budget, results byte for byte.

Policy: every call has a timeout; what may pass (no connection, 429, 5xx, an answer that is not JSON, a node that is
behind) is tried again, on the next endpoint while one cools down, until `give_up_seconds` are over; then
`SourceUnavailableError`. An endpoint that refuses us (a wrong key, no history) says nothing about what was asked for:
the others are asked, and where all do so it is `SourceUnavailableError` at once. What the node refuses for good is
`SourceRefusedError`. An error is never an empty answer.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec

from oof_pipelines.interfaces import (
    Clock,
    ListedSignature,
    SignatureStatus,
    SourceRefusedError,
    SourceUnavailableError,
    UnsupportedVersionError,
)
from oof_pipelines.settings import SecretUrl
from oof_pipelines.transport.pacing import Backoff, RequestBudget
from oof_pipelines.transport.wire_types import SignatureText, SlotNumber

TRANSACTION_ENCODING = "base64"
"""The message as it was on the wire: the smallest answer, and the one whose signature can be verified."""

# Codes of the validator's JSON-RPC server (its custom error list) that pass by themselves.
_TRANSIENT_CODES = frozenset({-32004, -32005, -32014, -32016, -32603})
_SKIPPED_SLOT_CODES = frozenset({-32007, -32009})
_UNSUPPORTED_VERSION_CODE = -32015
_NO_HISTORY_CODE = -32011
_ACCESS_STATUSES = frozenset({401, 402, 403})
_FIRST_DELAY_SECONDS = 0.2
_LONGEST_DELAY_SECONDS = 15.0


class _ErrorObject(msgspec.Struct):
    code: int
    message: str = ""


class _Envelope(msgspec.Struct):
    result: msgspec.Raw = msgspec.Raw(b"")
    error: _ErrorObject | None = None


class _SignatureRow(msgspec.Struct):
    signature: SignatureText
    slot: SlotNumber


class _Status(msgspec.Struct, rename="camel"):
    slot: SlotNumber
    confirmation_status: str | None = None
    confirmations: int | None = None


class _Statuses(msgspec.Struct):
    value: list[_Status | None]


class _BlockSignatures(msgspec.Struct):
    signatures: list[SignatureText]


_envelope_decoder = msgspec.json.Decoder(_Envelope)


class _Endpoint:
    """One address, until when it is left alone, and whether its last answer was that it will not serve us."""

    def __init__(self, url: SecretUrl, randomness: random.Random) -> None:
        self.url = url
        self.available_at_s = 0.0
        self.is_refusing_us = False
        self.backoff = Backoff(_FIRST_DELAY_SECONDS, _LONGEST_DELAY_SECONDS, randomness)


class _TransientError(Exception):
    def __init__(self, reason: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class _RefusesUsError(_TransientError):
    """The endpoint does not serve us at all, whatever was asked."""


class RpcClient:
    """A `TransactionSource` over JSON-RPC. Use as an async context manager; safe for many tasks at once.

    `outcomes` counts (method, outcome) for metrics; `retries` counts answers that had to be asked for again.
    """

    def __init__(
        self,
        endpoints: Sequence[SecretUrl],
        *,
        requests_per_second: int,
        timeout_seconds: float,
        clock: Clock,
        randomness: random.Random,
        give_up_seconds: float = 60.0,
        connections: int = 16,
    ) -> None:
        if not endpoints:
            raise ValueError("RPC_PRIMARY: no endpoint is configured")
        self._endpoints = [_Endpoint(url, randomness) for url in endpoints]
        self._budget = RequestBudget(requests_per_second, clock)
        self._clock = clock
        self._give_up_seconds = give_up_seconds
        self._timeout_seconds = timeout_seconds
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._http = httpx.AsyncClient(timeout=timeout_seconds, limits=limits)
        self.outcomes: Counter[tuple[str, str]] = Counter()

    async def __aenter__(self) -> "RpcClient":
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._http.aclose()

    async def call(self, method: str, parameters: list[Any]) -> bytes:
        """The raw bytes of `result`. Raises `SourceUnavailableError` or `SourceRefusedError`."""
        request = msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
        deadline_s = self._clock.monotonic_s() + self._give_up_seconds
        while True:
            endpoint = await self._pick_endpoint(method, deadline_s)
            await self._budget.take()
            try:
                result = await self._ask(endpoint, request)
            except _TransientError as error:
                self.outcomes[method, "retried"] += 1
                self._leave_alone(endpoint, error)
                is_hopeless = all(each.is_refusing_us for each in self._endpoints)
                if is_hopeless or min(each.available_at_s for each in self._endpoints) >= deadline_s:
                    self.outcomes[method, "unavailable"] += 1
                    raise SourceUnavailableError(f"{method} at {endpoint.url}: {error}") from None
            except SourceRefusedError:
                self.outcomes[method, "refused"] += 1
                endpoint.backoff.reset()
                endpoint.is_refusing_us = False
                raise
            else:
                self.outcomes[method, "answered"] += 1
                endpoint.backoff.reset()
                endpoint.is_refusing_us = False
                return result

    def _leave_alone(self, endpoint: _Endpoint, error: _TransientError) -> None:
        endpoint.is_refusing_us = isinstance(error, _RefusesUsError)
        delay_seconds = error.retry_after_seconds
        if endpoint.is_refusing_us:
            delay_seconds = _LONGEST_DELAY_SECONDS
        elif delay_seconds is None:
            delay_seconds = endpoint.backoff.next_delay_seconds()
        endpoint.available_at_s = self._clock.monotonic_s() + min(delay_seconds, _LONGEST_DELAY_SECONDS)

    async def _pick_endpoint(self, method: str, deadline_s: float) -> _Endpoint:
        """The first endpoint that is not cooling down, in the order configured; waits for one where all are."""
        while True:
            now_s = self._clock.monotonic_s()
            for endpoint in self._endpoints:
                if endpoint.available_at_s <= now_s:
                    return endpoint
            soonest_s = min(endpoint.available_at_s for endpoint in self._endpoints)
            if now_s >= deadline_s:
                self.outcomes[method, "unavailable"] += 1
                raise SourceUnavailableError(f"{method}: every endpoint is failing")
            await self._clock.sleep(min(soonest_s, deadline_s) - now_s)

    async def _ask(self, endpoint: _Endpoint, request: bytes) -> bytes:
        try:
            # httpx bounds each read; an answer that comes a byte at a time would pass that for ever.
            async with asyncio.timeout(self._timeout_seconds):
                response = await self._http.post(
                    endpoint.url.reveal(), content=request, headers={"Content-Type": "application/json"}
                )
        except (httpx.HTTPError, TimeoutError) as error:
            # The message of some httpx errors holds the URL, and the URL may hold a key.
            raise _TransientError(f"no answer ({type(error).__name__})") from None
        if response.status_code == 429:
            raise _TransientError("HTTP 429", _retry_after_seconds(response))
        if response.status_code >= 500:
            raise _TransientError(f"HTTP {response.status_code}", _retry_after_seconds(response))
        if response.status_code in _ACCESS_STATUSES:
            raise _RefusesUsError(f"HTTP {response.status_code}: the endpoint does not let us in")
        try:
            envelope = _envelope_decoder.decode(response.content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if response.status_code >= 400:
                raise _RefusesUsError(f"HTTP {response.status_code}: no JSON-RPC at this address") from None
            raise _TransientError("the answer is not JSON-RPC (cut off?)") from None
        if envelope.error is not None:
            raise _error_for(envelope.error.code, endpoint.url.hide_in(envelope.error.message))
        if not bytes(envelope.result):
            raise _TransientError("the answer has neither result nor error")
        return bytes(envelope.result)

    async def genesis_hash(self) -> str:
        return str(await self._call_for(str, "getGenesisHash", []))

    async def slot(self, commitment: str) -> int:
        return int(await self._call_for(SlotNumber, "getSlot", [{"commitment": commitment}]))

    async def transaction(self, signature: str, commitment: str = "confirmed") -> bytes | None:
        options = {
            "encoding": TRANSACTION_ENCODING,
            "commitment": commitment,
            "maxSupportedTransactionVersion": 0,
        }
        result = await self.call("getTransaction", [signature, options])
        return None if result == b"null" else result

    async def signatures_for_address(self, address: str, before: str | None, limit: int) -> list[ListedSignature]:
        options: dict[str, Any] = {"limit": limit, "commitment": "confirmed"}
        if before is not None:
            options["before"] = before
        rows = await self._call_for(list[_SignatureRow], "getSignaturesForAddress", [address, options])
        return [ListedSignature(row.signature, row.slot) for row in rows]

    async def blocks(self, first_slot: int, last_slot: int) -> list[int]:
        slots = await self._call_for(
            list[SlotNumber], "getBlocks", [first_slot, last_slot, {"commitment": "confirmed"}]
        )
        return list(slots)

    async def block_signatures(self, slot: int) -> list[str]:
        options = {
            "transactionDetails": "signatures",
            "rewards": False,
            "commitment": "confirmed",
            "maxSupportedTransactionVersion": 0,
        }
        try:
            # Null is no block: the node that answers is behind the one that listed the slot, and says so by it.
            return list((await self._call_for(_BlockSignatures, "getBlock", [slot, options])).signatures)
        except SourceRefusedError as error:
            if error.code in _SKIPPED_SLOT_CODES:
                return []
            raise

    async def block_time_s(self, slot: int) -> int | None:
        try:
            block_time_s: int | None = await self._call_for(int | None, "getBlockTime", [slot])
        except SourceRefusedError as error:
            if error.code in _SKIPPED_SLOT_CODES:
                return None
            raise
        return block_time_s

    async def signature_statuses(self, signatures: Sequence[str]) -> list[SignatureStatus | None]:
        options = {"searchTransactionHistory": True}
        answer = await self._call_for(_Statuses, "getSignatureStatuses", [list(signatures), options])
        statuses: list[_Status | None] = answer.value
        if len(statuses) != len(signatures):
            raise SourceUnavailableError(f"getSignatureStatuses: {len(statuses)} answers for {len(signatures)}")
        return [
            SignatureStatus(status.slot, status.confirmation_status == "finalized") if status else None
            for status in statuses
        ]

    async def _call_for(self, expected: Any, method: str, parameters: list[Any]) -> Any:
        """`call`, its result read as `expected`. A result of another form is an endpoint's fault, so unavailable."""
        result = await self.call(method, parameters)
        try:
            return msgspec.json.decode(result, type=expected)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self.outcomes[method, "unreadable"] += 1
            raise SourceUnavailableError(f"{method}: a result of another form than documented ({error})") from None


def _retry_after_seconds(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After", "")
    # An HTTP date is allowed too; no Solana provider sends one, and our own backoff does then.
    return float(text) if text.isdecimal() else None


def _error_for(code: int, message: str) -> Exception:
    if code == _UNSUPPORTED_VERSION_CODE:
        return UnsupportedVersionError(code, message)
    if code == _NO_HISTORY_CODE:
        return _RefusesUsError(f"{message} (code {code})")
    if code in _TRANSIENT_CODES or code == 429:
        return _TransientError(f"{message} (code {code})")
    return SourceRefusedError(code, message)
