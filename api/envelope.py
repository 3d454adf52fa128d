"""Every answer is ``{"data": …}`` (lists with ``"meta"``) or ``{"error": {"code", "message", "details"}}``."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from lib.errors import (
    AccessError,
    AppError,
    Conflict,
    NotFound,
    StoreFull,
    StoreUnavailable,
    TooManyAttempts,
    TooMuchAsked,
    UsageError,
)
from lib.insights.asking import EngineFailed
from lib.insights.export.log import NotLogged

T = TypeVar("T")
_log = logging.getLogger(__name__)
STATUS: dict[type[AppError], int] = {
    StoreUnavailable: 503,
    StoreFull: 503,
    TooMuchAsked: 503,
    EngineFailed: 503,
    NotLogged: 503,
    TooManyAttempts: 429,
    AccessError: 403,
    NotFound: 404,
    Conflict: 409,
    UsageError: 422,
}
CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    413: "content_too_large",
    414: "address_too_long",
    415: "unsupported_media_type",
    422: "unprocessable",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}
"""Ours, because Python's names of statuses differ between its versions."""
SENTENCES = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
}
"""What the framework says in two words."""


class Data(BaseModel, Generic[T]):
    """One thing."""

    # A class for one kind of thing does not inherit the sentence above.
    model_config = ConfigDict(json_schema_extra={"description": "One thing."})

    data: T = Field(description="the thing")

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """OneClient, for example."""
        return f"One{params[0].__name__}"


class PageMeta(BaseModel):
    """Which page of a list this is; ``total`` counts the things of all pages."""

    page: int = Field(ge=1, description="which page this is, from 1", examples=[1])
    per_page: int = Field(ge=1, description="how many things a page holds at most", examples=[50])
    total: int = Field(ge=0, description="how many things there are on all pages together", examples=[1])


class Page(BaseModel, Generic[T]):
    """A page of a list."""

    model_config = ConfigDict(json_schema_extra={"description": "A page of a list."})

    data: list[T] = Field(description="the things of this page, in the order of the list")
    meta: PageMeta = Field(description="which page this is, and how many things there are")

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """PageOfClient, for example."""
        return f"PageOf{params[0].__name__}"


class Problem(BaseModel):
    """What is wrong with one part of what was sent; ``where`` leads to it."""

    where: list[str | int] = Field(description="the way to the part: query or body first", examples=[["query", "page"]])
    what: str = Field(description="what is wrong with it", examples=["Input should be greater than or equal to 1"])


class Incident(BaseModel):
    """A failure here; the log has the rest under the same number."""

    number: str = Field(description="what to tell the administrator", examples=["3f9a01bc"])


class ErrorBody(BaseModel):
    """``code`` is for programs, ``message`` for people: what happened, and what to do about it."""

    code: str = Field(
        description="the kind of failure, one for each status",
        examples=["unprocessable"],
        json_schema_extra={"enum": list(CODES.values())},
    )
    message: str = Field(
        description="what happened and what to do", examples=["There is no metric “spent”. Did you mean spend?"]
    )
    details: list[Problem] | Incident | None = Field(
        description="what is wrong with which part of what was sent; or the number of a failure in the log",
        examples=[[{"where": ["query", "page"], "what": "Input should be greater than or equal to 1"}]],
    )


class ErrorAnswer(BaseModel):
    """Every failure."""

    model_config = ConfigDict(title="Error")

    error: ErrorBody = Field(description="what went wrong")


def error(status: int, message: str, details: Any = None, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A bad answer with the code of its status."""
    named = dict(headers or {})
    if status == 401:
        named.setdefault("WWW-Authenticate", "Bearer")
    code = CODES.get(status, CODES[500] if status >= 500 else CODES[400])
    return JSONResponse({"error": {"code": code, "message": message, "details": details}}, status, named)


def failure(problem: AppError) -> JSONResponse:
    """The answer for an error of ours; what nobody could foresee gets a number."""
    status = next((STATUS[kind] for kind in type(problem).__mro__ if kind in STATUS), None)
    if status is None:
        return incident(problem, str(problem))
    # Who asks too much again waits as long again.
    headers = {"Retry-After": "5"} if status == 503 and not isinstance(problem, TooMuchAsked) else {}
    if isinstance(problem, TooManyAttempts):
        headers = {"Retry-After": str(problem.wait_s)}
    return error(status, str(problem), headers=headers)


def incident(problem: Exception, message: str = "Something went wrong here.") -> JSONResponse:
    """A 500 whose number leads to ``problem`` in the log."""
    number = uuid.uuid4().hex[:8]
    _log.error("Request %s failed.", number, exc_info=problem)
    return error(500, f"{message} Its number is {number}.", {"number": number})


async def _http(request: Request, problem: HTTPException) -> JSONResponse:
    headers = dict(problem.headers or {})
    if problem.status_code == 405:
        headers["Allow"] = _methods_at(request)
    message = SENTENCES.get(problem.status_code, str(problem.detail))
    return error(problem.status_code, message, headers=headers)


def _methods_at(request: Request) -> str:
    """Every method of this address: the framework names those of one of its routes only."""
    found: set[str] = set()
    for context in iter_route_contexts(request.app.routes):
        route = context.original_route
        if isinstance(route, APIRoute) and route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return ", ".join(sorted(found))


async def _validation(request: Request, problem: RequestValidationError) -> JSONResponse:
    details = [{"where": list(one["loc"]), "what": one["msg"]} for one in problem.errors()]
    return error(422, "Some of what was sent cannot be used.", details)


async def _app(request: Request, problem: AppError) -> JSONResponse:
    return failure(problem)


async def _unforeseen(request: Request, problem: Exception) -> JSONResponse:
    return incident(problem)


def install(app: FastAPI) -> None:
    """Give ``app`` the envelope for every kind of failure."""
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(RequestValidationError)(_validation)
    app.exception_handler(AppError)(_app)
    app.exception_handler(Exception)(_unforeseen)
