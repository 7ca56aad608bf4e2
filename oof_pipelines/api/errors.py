"""The one shape in which the API says that something went wrong: `{"error": {"code", "message"}}`."""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response


class ApiError(Exception):
    """An answer other than 2xx. `code` is for machines and stays as it is; `message` is one line for people.

    `is_closing` ends the connection with the answer: what is left of the request is not worth reading.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        is_closing: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = {**(headers or {}), **({"Connection": "close"} if is_closing else {})}

    def response(self) -> Response:
        """The answer itself."""
        return error_response(self.status, self.code, self.message, self.headers)


def error_body(code: str, message: str) -> bytes:
    """`{"error": {"code", "message"}}` as JSON."""
    return msgspec.json.encode({"error": {"code": code, "message": message}})


def error_response(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error as an HTTP answer."""
    return Response(error_body(code, message), status, headers, "application/json")
