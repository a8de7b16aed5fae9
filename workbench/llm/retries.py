"""When a request is sent again, and how long it waits before."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tenacity import AsyncRetrying, RetryCallState

AGAIN = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
"""HTTP statuses after which the same request may succeed; other 5xx count too."""


class NoAnswer(Exception):
    """What came back, or did not come in time, is no answer of a model."""


def attempts(*, max_tries: int, max_wait: float, backoff: float) -> AsyncRetrying:
    """Return the tries of one request, to be iterated with `async for`.

    There is no wait before the first. Between tries it waits a random time below `backoff * 2**n` seconds (full
    jitter), 30 at most, or what the server's Retry-After says where that is longer. It ends at `max_tries`, or
    when the next wait would pass `max_wait` seconds in all.
    """
    from tenacity import (
        AsyncRetrying,
        retry_if_exception,
        stop_after_attempt,
        stop_before_delay,
        wait_random_exponential,
    )

    jitter = wait_random_exponential(multiplier=backoff, max=30)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return max(jitter(state), retry_after(error))

    return AsyncRetrying(
        retry=retry_if_exception(may_pass),
        stop=stop_after_attempt(max_tries) | stop_before_delay(max_wait),
        wait=wait,
        reraise=True,
    )


def may_pass(error: BaseException) -> bool:
    """Return whether the same request may succeed when it is sent again."""
    import openai

    if isinstance(error, openai.APIStatusError):
        quota = getattr(error, "code", None) == "insufficient_quota"
        return (error.status_code in AGAIN or error.status_code >= 500) and not quota
    return isinstance(error, openai.APIConnectionError | openai.APIResponseValidationError | NoAnswer)


def retry_after(error: Any) -> float:
    """Return the seconds that the server asks to wait, from `Retry-After` or `Retry-After-Ms`; 0 when it does not."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    if milliseconds := headers.get("retry-after-ms"):
        return _number(milliseconds) / 1000
    return _seconds(headers["retry-after"]) if headers.get("retry-after") else 0.0


def _seconds(value: str) -> float:
    if value.strip().replace(".", "", 1).isdigit():
        return _number(value)
    from datetime import UTC, datetime

    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _number(value: str) -> float:
    try:
        return max(0.0, float(value))
    except ValueError:
        return 0.0
