"""Every answer of /api/v1 is ``{"data": …}`` or ``{"error": {"code", "message", "details"}}``."""

from __future__ import annotations

import logging
import uuid
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from lib.errors import AccessError, AppError, StoreUnavailable, UsageError

T = TypeVar("T")
_log = logging.getLogger(__name__)
STATUS: dict[type[AppError], int] = {StoreUnavailable: 503, AccessError: 403, UsageError: 422}


class Data(BaseModel, Generic[T]):
    """A good answer."""

    data: T


def error(status: int, code: str, message: str, details: Any = None) -> JSONResponse:
    """A bad answer; ``code`` is for programs, ``message`` for people."""
    return JSONResponse({"error": {"code": code, "message": message, "details": details}}, status)


async def _http(request: Request, problem: HTTPException) -> JSONResponse:
    code = HTTPStatus(problem.status_code).name.lower()
    return error(problem.status_code, code, str(problem.detail))


async def _validation(request: Request, problem: RequestValidationError) -> JSONResponse:
    details = [{"where": list(one["loc"]), "what": one["msg"]} for one in problem.errors()]
    return error(422, "unprocessable", "Some of what was sent cannot be used.", details)


async def _app(request: Request, problem: AppError) -> JSONResponse:
    kind = next((kind for kind in type(problem).__mro__ if kind in STATUS), AppError)
    status = STATUS.get(kind, 500)
    return error(status, HTTPStatus(status).name.lower(), str(problem))


async def _unforeseen(request: Request, problem: Exception) -> JSONResponse:
    number = uuid.uuid4().hex[:8]
    _log.error("Request %s failed.", number, exc_info=problem)
    return error(500, "internal_server_error", f"Something went wrong here; its number is {number}.")


def install(app: FastAPI) -> None:
    """Give ``app`` the envelope for every kind of failure."""
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(RequestValidationError)(_validation)
    app.exception_handler(AppError)(_app)
    app.exception_handler(Exception)(_unforeseen)
