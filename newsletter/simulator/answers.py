"""What a call is answered with: a status and a JSON body, as the documentation draws them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Problem = dict[str, str]
Answer = tuple[int, dict[str, Any]]

_CODES = {
    400: "VALIDATION_FAILED",
    401: "UNAUTHORIZED",
    402: "PAYMENT_REQUIRED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    409: "CONFLICT",
    411: "LENGTH_REQUIRED",
    413: "PAYLOAD_TOO_LARGE",
    421: "MISDIRECTED_REQUEST",
    429: "RATE_LIMIT_EXCEEDED",
    500: "SERVER_ERROR",
}


def success(data: Any = None) -> Answer:
    """The call was done; `data` is what it gives, if it gives anything."""
    return 200, {"success": True} if data is None else {"success": True, "data": data}


def failure(status: int, message: str, details: Sequence[Problem] = (), **beside: Any) -> Answer:
    """The call was not done. `beside` stands next to `error` in the body (`retryAfter`)."""
    error = {"message": message, "code": _CODES[status], "details": list(details)}
    return status, {"success": False, "error": error, **beside}


def invalid(problems: Sequence[Problem]) -> Answer:
    """The body is JSON, but says something that cannot be."""
    return failure(400, "validation failed", problems)
