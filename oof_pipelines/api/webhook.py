"""`POST /webhooks/helius`: hints of what happened, into the queue of the feed.

First who sends is checked, then how much, then what. Nothing of a body is believed: signatures are queued, and the feed
fetches and verifies them as it does those it hears of itself.
"""

import logging
from collections import Counter

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from oof_pipelines.api.errors import ApiError
from oof_pipelines.api.hint_writer import HintsRefusedError, HintWriter
from oof_pipelines.api.webhook_authentication import WebhookAuthentication
from oof_pipelines.api.webhook_body import BodyReader, SenderGoneError
from oof_pipelines.api.webhook_hints import NoHintsError, read_hints
from oof_pipelines.chain.slot_clock import estimate_slot
from oof_pipelines.interfaces import Clock

logger = logging.getLogger(__name__)

WEBHOOK_ROUTE = "/webhooks/helius"
SECRET_SETTING = "HELIUS_WEBHOOK_SECRET"  # noqa: S105 - the name of the setting
SLOTS_OF_GRACE = 5_000_000
"""How far a hint's slot may be beyond the newest one known, some three weeks: a home that was off must take hints at once.
What is nearer than this and made up costs some empty answers and is given up by the feed."""


class WebhookReceiver:
    """Takes deliveries. `authentication` is None where no secret is set; then every one is refused.

    `cluster` tells which slots can be true by the clock. `outcomes` counts answers by what was wrong ('accepted': nothing),
    `refused_entries` the entries of accepted bodies that named nothing usable.
    """

    def __init__(
        self,
        authentication: WebhookAuthentication | None,
        reader: BodyReader,
        writer: HintWriter,
        clock: Clock,
        *,
        cluster: str,
    ) -> None:
        self._authentication = authentication
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._cluster = cluster
        self.outcomes: Counter[str] = Counter()
        self.refused_entries = 0

    @property
    def is_on(self) -> bool:
        """Whether a secret is set."""
        return self._authentication is not None

    async def receive(self, request: Request) -> Response:
        """200 once every hint is committed. Raises `ApiError`."""
        try:
            response = await self._receive(request)
        except ApiError as error:
            self.outcomes[error.code] += 1
            raise
        except SenderGoneError:
            self.outcomes["sender_gone"] += 1
            # Nobody hears this; the server has to be given an answer all the same.
            return Response(status_code=499)
        self.outcomes["accepted"] += 1
        return response

    async def _receive(self, request: Request) -> Response:
        authentication = self._authentication
        if authentication is None:
            raise ApiError(503, "webhook_off", f"the webhook is off: {SECRET_SETTING} is not set", is_closing=True)
        headers = request.headers
        if not authentication.may_be_read(headers):
            raise _unauthorized()
        body = await self._read(request)
        if not authentication.is_authentic(headers, body):
            raise _unauthorized()
        try:
            hints = read_hints(body, self._largest_slot())
        except NoHintsError as error:
            raise ApiError(400, "not_transactions", str(error)) from None
        try:
            await self._writer.write(hints.listed)
        except HintsRefusedError as error:
            raise ApiError(
                503,
                error.reason,
                "the hints could not be kept, send them again",
                headers={"Retry-After": str(error.retry_after_seconds)},
            ) from None
        self.refused_entries += hints.refused
        answer = {"accepted": len(hints.listed), "refused": hints.refused}
        return Response(msgspec.json.encode(answer), media_type="application/json")

    async def _read(self, request: Request) -> bytes:
        try:
            return await self._reader.read(request.headers, request.receive)
        except ApiError as error:
            if error.status == 503:
                self._writer.refuse(error.code, 0)
            raise

    def _largest_slot(self) -> int | None:
        """The largest slot a hint can have, by what is stored and, on mainnet, by the clock."""
        newest_slot = self._writer.counts.newest_slot
        if self._cluster == "mainnet-beta":
            by_clock = estimate_slot(int(self._clock.now().timestamp()))
            newest_slot = max(newest_slot or 0, by_clock)
        return None if newest_slot is None else newest_slot + SLOTS_OF_GRACE


def webhook_router(receiver: WebhookReceiver) -> APIRouter:
    """The route over its receiver."""
    router = APIRouter()

    @router.post(WEBHOOK_ROUTE)
    async def helius(request: Request) -> Response:
        return await receiver.receive(request)

    return router


def _unauthorized() -> ApiError:
    return ApiError(401, "unauthorized", "not authorized", is_closing=True)
