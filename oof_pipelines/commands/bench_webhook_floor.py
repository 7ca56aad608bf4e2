"""The floor of `oof bench webhook`: the same server over a FastAPI route that reads the body and answers 200, no more."""

import asyncio
import sys

from fastapi import FastAPI, Request
from starlette.responses import Response

from oof_pipelines.api.server import ApiServer, listening_socket, loop_factory
from oof_pipelines.api.webhook import WEBHOOK_ROUTE


def floor_app() -> FastAPI:
    """The application of the floor."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.post(WEBHOOK_ROUTE)
    async def answer(request: Request) -> Response:
        await request.body()
        return Response(b'{"accepted":0,"refused":0}', media_type="application/json")

    return app


def main() -> None:
    """Serve on the port that is the only argument."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        server = ApiServer(floor_app(), on_stop=lambda: None)
        runner.run(server.serve(sockets=[listening_socket("127.0.0.1", int(sys.argv[1]))]))


if __name__ == "__main__":
    main()
