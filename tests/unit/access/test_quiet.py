"""Tokens, codes and queries stay out of every log line."""

from __future__ import annotations

import logging

from dashboard.quiet import RedactedRecord, _without_query


def record(message: str, *args: object, error: BaseException | None = None) -> RedactedRecord:
    info = (type(error), error, error.__traceback__) if error is not None else None
    return RedactedRecord("uvicorn.access", logging.INFO, __file__, 1, message, args, info)


def test_arguments_messages_and_exceptions_are_redacted() -> None:
    args = record('%s - "%s %s"', "127.0.0.1:5", "GET", "/sign-in?token=sesame").args
    assert args == ("127.0.0.1:5", "GET", "/sign-in?token=[redacted]")
    assert "sesame" not in record("back at /oauth2callback?code=sesame&state=sesame").getMessage()
    said = logging.Formatter().format(record("failed", error=ValueError("access_token=sesame")))
    assert "ValueError" in said
    assert "sesame" not in said


def test_request_lines_lose_their_query() -> None:
    line = record('%s - "%s %s"', "127.0.0.1:5", "GET", "/overview?anything=secret")
    assert _without_query(line)
    assert line.getMessage() == '127.0.0.1:5 - "GET /overview"'
