"""The API as an ASGI application, from the parts it is given."""

import asyncio
import contextlib
import http
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from oof_pipelines.api.errors import ApiError, error_response
from oof_pipelines.api.health import HEALTH_ROUTE, Health, health_router
from oof_pipelines.api.hint_writer import HintWriter
from oof_pipelines.api.metrics import METRICS_ROUTE, Metrics, metrics_router
from oof_pipelines.api.request_log import RequestLog, RequestTimes
from oof_pipelines.api.webhook import WEBHOOK_ROUTE, WebhookReceiver, webhook_router


def _raise(error: BaseException) -> None:
    raise error


@dataclass(frozen=True, slots=True)
class ApiParts:
    """What the routes are made over. `times` is filled by the application."""

    receiver: WebhookReceiver
    writer: HintWriter
    health: Health
    metrics: Metrics
    times: RequestTimes


def build_app(parts: ApiParts, on_failure: Callable[[BaseException], None] = _raise) -> ASGIApp:
    """Every route. The writer runs from the application's start to its end; at the end what waits is committed.

    `on_failure` is told of an error that ended the writer before: nothing can be kept any more.
    """

    def ended(running: asyncio.Task[None]) -> None:
        if not running.cancelled() and (error := running.exception()) is not None:
            on_failure(error)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        running = asyncio.create_task(parts.writer.run())
        running.add_done_callback(ended)
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await parts.writer.finish()

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan, redirect_slashes=False)
    app.include_router(webhook_router(parts.receiver))
    app.include_router(health_router(parts.health))
    app.include_router(metrics_router(parts.metrics))
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _own_error)
    return RequestLog(app, routes=(WEBHOOK_ROUTE, HEALTH_ROUTE, METRICS_ROUTE), times=parts.times)


async def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    # For the line in the log.
    request.state.error_code = error.code
    return error.response()


async def _own_error(request: Request, _error: Exception) -> Response:
    """What went wrong is in the log, under the same id."""
    request.state.error_code = "internal_error"
    message = f"an error of ours; its id is {request.state.request_id}"
    return error_response(500, "internal_error", message, {"Connection": "close"})


async def _http_error(_request: Request, error: Exception) -> Response:
    """What the framework refuses: unknown paths and methods."""
    assert isinstance(error, HTTPException)
    phrase = http.HTTPStatus(error.status_code).phrase
    return error_response(error.status_code, phrase.lower().replace(" ", "_"), phrase.lower(), error.headers)
