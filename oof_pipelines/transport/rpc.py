"""Solana's JSON-RPC over HTTP: fallback endpoints, backoff with jitter, one request budget, results byte for byte.

Policy: every call has a timeout; what may pass (no connection, 429, 5xx, an answer that is not JSON, a node that is
behind) is tried again, on the next endpoint while one cools down, until `give_up_seconds` are over; then
`SourceUnavailableError`. Calls that fail together make one cool-down, not one each. An endpoint that refuses us (a wrong
key, a spent plan, no history, any error code that is not known to speak of the request) says nothing about what was asked
for: the others are asked, and where all do so it is `EndpointsRefuseUsError` at once. What a node refuses for good is asked
of the others too, and is `SourceRefusedError` where none gives it; while one that might still give it only cools down it
is `SourceUnavailableError`. An error is never an empty answer. The
log tells of an endpoint that goes on failing.
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
    HeldAccount,
    ListedSignature,
    MethodMissingError,
    SignatureStatus,
    SourceRefusedError,
    SourceUnavailableError,
)
from oof_pipelines.settings import SecretUrl
from oof_pipelines.transport.loopback import direct_mounts
from oof_pipelines.transport.missing_sniffio import note_missing_sniffio
from oof_pipelines.transport.pacing import RequestBudget
from oof_pipelines.transport.rpc_answers import (
    OWNED_BYTES,
    BlockSignatures,
    SignatureRow,
    Status,
    Statuses,
    TokenAccounts,
)
from oof_pipelines.transport.rpc_endpoint import (
    LONGEST_DELAY_SECONDS,
    SKIPPED_SLOT_CODES,
    BehindError,
    Endpoint,
    RefusesUsError,
    TransientError,
    error_for,
    retry_after_seconds,
)
from oof_pipelines.transport.trouble import reason_of
from oof_pipelines.transport.wire_types import SlotNumber

TRANSACTION_ENCODING = "base64"
"""The message as it was on the wire: the smallest answer, and the one whose signature can be verified."""

_ACCESS_STATUSES = frozenset({401, 402, 403})
_LONGEST_RETRY_AFTER_SECONDS = 60.0
_LISTING_METHODS = frozenset({"getSignaturesForAddress", "getBlocks"})
# One slot: after it a node that was behind may have caught up.
_BEHIND_SECONDS = 0.4


class _ErrorObject(msgspec.Struct):
    code: int
    message: str = ""


class _Envelope(msgspec.Struct):
    result: msgspec.Raw = msgspec.Raw(b"")
    error: _ErrorObject | None = None


_envelope_decoder = msgspec.json.Decoder(_Envelope)


class EndpointsRefuseUsError(SourceUnavailableError):
    """Every endpoint answers, and none will serve us (a wrong key, a wrong address): a matter of settings."""


class RpcClient:
    """A `WalletSource` over JSON-RPC. Use as an async context manager; safe for many tasks at once.

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
        self._endpoints = [Endpoint(url, randomness, clock) for url in endpoints]
        self._budget = RequestBudget(requests_per_second, clock)
        self._clock = clock
        self._give_up_seconds = give_up_seconds
        self._timeout_seconds = timeout_seconds
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        mounts = direct_mounts(url.reveal() for url in endpoints)
        note_missing_sniffio()
        self._http = httpx.AsyncClient(timeout=timeout_seconds, limits=limits, mounts=mounts)
        self._listed_by: dict[Endpoint, None] = {}
        self.outcomes: Counter[tuple[str, str]] = Counter()

    async def __aenter__(self) -> "RpcClient":
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._http.aclose()

    async def call(self, method: str, parameters: list[Any], *, only: Endpoint | None = None) -> bytes:
        """The raw bytes of `result`, from `only` where one is named.

        Raises `SourceUnavailableError` or `SourceRefusedError`.
        """
        request = msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
        deadline_s = self._clock.monotonic_s() + self._give_up_seconds
        # Endpoints not to ask again for now, since they refused this very request or are behind.
        asked = set() if only is None else {each for each in self._endpoints if each is not only}
        refusal: SourceRefusedError | None = None
        while True:
            if refusal is not None and not self._is_another_ready(asked):
                self._give_up_if_one_rests(method, refusal, asked)
                self.outcomes[method, "refused"] += 1
                raise refusal
            endpoint = await self._pick_endpoint(method, deadline_s, asked)
            await self._budget.take()
            if endpoint.available_at_s > self._clock.monotonic_s():
                # While this call waited for the budget, another one was sent away.
                continue
            rests_when_sent = endpoint.rests
            try:
                result = await self._ask(endpoint, request)
            except TransientError as error:
                self.outcomes[method, "retried"] += 1
                self._leave_alone(endpoint, error, rests_when_sent)
                self._give_up_if_hopeless(method, endpoint, error, deadline_s)
            except BehindError as error:
                self.outcomes[method, "retried"] += 1
                asked.add(endpoint)
                if refusal is None and not self._is_another_ready(asked):
                    await self._wait_for_a_slot(method, error, deadline_s)
                    asked.clear()
            except SourceRefusedError as error:
                endpoint.has_answered(rests_when_sent)
                asked.add(endpoint)
                if refusal is None or isinstance(refusal, MethodMissingError):
                    refusal = error
            else:
                self.outcomes[method, "answered"] += 1
                endpoint.has_answered(rests_when_sent)
                if method in _LISTING_METHODS:
                    self._listed_by[endpoint] = None
                return result

    def _give_up_if_hopeless(self, method: str, endpoint: Endpoint, error: TransientError, deadline_s: float) -> None:
        refusals = [f"{each.url.named}: {each.refusal}" for each in self._endpoints if each.refusal]
        if len(refusals) == len(self._endpoints):
            self.outcomes[method, "unavailable"] += 1
            raise EndpointsRefuseUsError(f"{method} at {'; '.join(refusals)}") from None
        if min(each.available_at_s for each in self._endpoints) >= deadline_s:
            self.outcomes[method, "unavailable"] += 1
            raise SourceUnavailableError(f"{method} at {endpoint.url.named}: {error}") from None

    def _give_up_if_one_rests(self, method: str, refusal: SourceRefusedError, asked: set[Endpoint]) -> None:
        """A refusal counts only once every endpoint that may serve us has been heard about this very request."""
        resting = [each.url.named for each in self._endpoints if each not in asked and each.refusal is None]
        if resting:
            self.outcomes[method, "unavailable"] += 1
            raise SourceUnavailableError(f"{method}: refused ({refusal}) while {', '.join(resting)} rests") from refusal

    async def _wait_for_a_slot(self, method: str, error: BehindError, deadline_s: float) -> None:
        if self._clock.monotonic_s() + _BEHIND_SECONDS >= deadline_s:
            self.outcomes[method, "unavailable"] += 1
            raise SourceUnavailableError(f"{method}: {error}") from None
        await self._clock.sleep(_BEHIND_SECONDS)

    def _leave_alone(self, endpoint: Endpoint, error: TransientError, rests_when_sent: int) -> None:
        endpoint.trouble.failed(str(error), is_plain=error.is_plain)
        endpoint.refusal = str(error) if isinstance(error, RefusesUsError) else None
        if isinstance(error, RefusesUsError) and error.is_certain:
            delay_seconds = LONGEST_DELAY_SECONDS
        elif error.retry_after_seconds is not None:
            delay_seconds = min(error.retry_after_seconds, _LONGEST_RETRY_AFTER_SECONDS)
        elif rests_when_sent == endpoint.rests:
            delay_seconds = endpoint.backoff.next_delay_seconds()
        else:
            return
        endpoint.rests += 1
        endpoint.available_at_s = max(endpoint.available_at_s, self._clock.monotonic_s() + delay_seconds)

    def _is_another_ready(self, asked: set[Endpoint]) -> bool:
        now_s = self._clock.monotonic_s()
        return any(each.available_at_s <= now_s for each in self._endpoints if each not in asked)

    async def _pick_endpoint(self, method: str, deadline_s: float, asked: set[Endpoint]) -> Endpoint:
        """The first endpoint that is not cooling down, in the order configured; waits for one where all are."""
        candidates = [endpoint for endpoint in self._endpoints if endpoint not in asked] or self._endpoints
        while True:
            now_s = self._clock.monotonic_s()
            for endpoint in candidates:
                if endpoint.available_at_s <= now_s:
                    return endpoint
            soonest_s = min(endpoint.available_at_s for endpoint in candidates)
            if now_s >= deadline_s:
                self.outcomes[method, "unavailable"] += 1
                raise SourceUnavailableError(f"{method}: every endpoint is failing")
            await self._clock.sleep(min(soonest_s, deadline_s) - now_s)

    async def _ask(self, endpoint: Endpoint, request: bytes) -> bytes:
        try:
            # httpx bounds each read; an answer that comes a byte at a time would pass that for ever.
            async with asyncio.timeout(self._timeout_seconds):
                response = await self._http.post(
                    endpoint.url.reveal(), content=request, headers={"Content-Type": "application/json"}
                )
        except (httpx.HTTPError, TimeoutError) as error:
            raise TransientError(f"no answer ({reason_of(error)})") from None
        if response.status_code == 429:
            raise TransientError("HTTP 429", retry_after_seconds(response))
        if response.status_code >= 500:
            raise TransientError(f"HTTP {response.status_code}", retry_after_seconds(response))
        if response.status_code in _ACCESS_STATUSES:
            raise RefusesUsError(f"HTTP {response.status_code}: the endpoint does not let us in")
        if response.is_redirect:
            raise RefusesUsError(f"HTTP {response.status_code}: it points elsewhere; set the address it points to")
        try:
            envelope = _envelope_decoder.decode(response.content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if response.status_code >= 400:
                raise RefusesUsError(f"HTTP {response.status_code}: no JSON-RPC at this address") from None
            if response.content.lstrip()[:1] == b"<":
                reason = "the answer is a web page, not JSON-RPC (is it the endpoint's address?)"
                raise TransientError(reason, is_plain=True) from None
            raise TransientError("the answer is not JSON-RPC (cut off?)") from None
        if envelope.error is not None:
            raise error_for(envelope.error.code, endpoint.url.hide_in(envelope.error.message))
        if not bytes(envelope.result):
            raise TransientError("the answer has neither result nor error")
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

    async def signatures_for_address(
        self, address: str, before: str | None, limit: int, min_slot: int
    ) -> list[ListedSignature]:
        options: dict[str, Any] = {"limit": limit, "commitment": "confirmed", "minContextSlot": min_slot}
        if before is not None:
            options["before"] = before
        rows = await self._call_for(list[SignatureRow], "getSignaturesForAddress", [address, options])
        return [row.listed() for row in rows]

    async def token_accounts_of(self, owner: str, token_program: str, min_slot: int) -> list[HeldAccount]:
        # A slice of the data is all that is needed, and a hundredth of what `jsonParsed` would send.
        options = {
            "encoding": "base64",
            "dataSlice": {"offset": 0, "length": OWNED_BYTES},
            "commitment": "finalized",
            "minContextSlot": min_slot,
        }
        parameters = [owner, {"programId": token_program}, options]
        answer: TokenAccounts = await self._call_for(TokenAccounts, "getTokenAccountsByOwner", parameters)
        try:
            return answer.held_by(owner, min_slot)
        except ValueError as error:
            raise SourceUnavailableError(f"getTokenAccountsByOwner: {error}") from None

    async def first_available_block(self) -> int:
        """The lowest slot that every endpoint still has which listed anything for this client.

        A listing may have come from any of them, and what one does not have it does not list. One that cannot be asked is
        `SourceUnavailableError`, once: who lists again is told about those that answered then.
        """
        if not self._listed_by:
            return await self._first_block_of(None)
        begin_slots, missing = [], None
        for endpoint in [*self._listed_by]:
            try:
                begin_slots.append(await self._first_block_of(endpoint))
            except MethodMissingError as error:
                missing = error
            except SourceUnavailableError:
                self._listed_by.pop(endpoint, None)
                raise
        if missing is not None and not begin_slots:
            raise missing
        return max(begin_slots)

    async def _first_block_of(self, endpoint: Endpoint | None) -> int:
        return int(await self._call_for(SlotNumber, "getFirstAvailableBlock", [], only=endpoint))

    async def blocks(self, first_slot: int, last_slot: int, min_slot: int) -> list[int]:
        options = {"commitment": "confirmed", "minContextSlot": min_slot}
        return list(await self._call_for(list[SlotNumber], "getBlocks", [first_slot, last_slot, options]))

    async def block_signatures(self, slot: int) -> list[str]:
        options = {
            "transactionDetails": "signatures",
            "rewards": False,
            "commitment": "confirmed",
            "maxSupportedTransactionVersion": 0,
        }
        # Null is no block: the node that answers is behind the one that listed the slot, and says so by it.
        return list((await self._call_for(BlockSignatures, "getBlock", [slot, options])).signatures)

    async def block_time_s(self, slot: int) -> int | None:
        try:
            block_time_s: int | None = await self._call_for(int | None, "getBlockTime", [slot])
        except SourceRefusedError as error:
            if error.code in SKIPPED_SLOT_CODES:
                return None
            raise
        return block_time_s

    async def signature_statuses(self, signatures: Sequence[str], min_slot: int) -> list[SignatureStatus | None]:
        options = {"searchTransactionHistory": True}
        answer = await self._call_for(Statuses, "getSignatureStatuses", [list(signatures), options])
        known_slot = answer.context.slot
        if known_slot is not None and known_slot < min_slot:
            raise SourceUnavailableError(f"getSignatureStatuses: a node at slot {known_slot}, behind slot {min_slot}")
        statuses: list[Status | None] = answer.value
        if len(statuses) != len(signatures):
            raise SourceUnavailableError(f"getSignatureStatuses: {len(statuses)} answers for {len(signatures)}")
        return [
            SignatureStatus(status.slot, status.confirmation_status == "finalized") if status else None
            for status in statuses
        ]

    async def _call_for(
        self, expected: Any, method: str, parameters: list[Any], *, only: Endpoint | None = None
    ) -> Any:
        """`call`, its result read as `expected`. A result of another form is an endpoint's fault, so unavailable."""
        result = await self.call(method, parameters, only=only)
        try:
            return msgspec.json.decode(result, type=expected)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self.outcomes[method, "unreadable"] += 1
            raise SourceUnavailableError(f"{method}: a result of another form than documented ({error})") from None
