"""The routes of /api/v1, one module a subject. Each says what it needs: a person, a scope, a role."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from api.bodies import JsonRoute
from api.deps import Auth0User, get_current_user, get_store, require_scope
from api.negotiation import json_only
from api.openapi import EVERYWHERE
from lib.access.scopes import READ, WRITE
from lib.errors import UsageError
from lib.insights.nearest import shown
from lib.store.engine import Store

REPEATABLE = frozenset({"filter", "having", "account"})
Person = Annotated[Auth0User, Depends(get_current_user)]
Reader = Annotated[Auth0User, Depends(require_scope(READ))]
Writer = Annotated[Auth0User, Depends(require_scope(WRITE))]
OpenStore = Annotated[Store, Depends(get_store)]


def subject(tag: str) -> APIRouter:
    """A router for answers in JSON under this heading of the description."""
    return _router(tag, json_only)


def subject_of_files(tag: str) -> APIRouter:
    """A router for answers in several media types."""
    return _router(tag)


def once_each(request: Request) -> None:
    """UsageError for a parameter that is given twice and has one value: either would answer another question."""
    names = [name for name, _ in request.query_params.multi_items() if name not in REPEATABLE]
    twice = next((name for name, times in Counter(names).items() if times > 1), None)
    if twice is not None:
        repeatable = ", ".join(sorted(REPEATABLE))
        raise UsageError(f"The parameter {shown(twice)} is given twice.", f"Give it once; {repeatable} may repeat.")


def _router(tag: str, *checks: Callable[..., object]) -> APIRouter:
    # Who asks is looked at first, so that strangers learn nothing of what else is wrong; and no route forgets it.
    needed = [Depends(get_current_user), Depends(once_each), *map(Depends, checks)]
    return APIRouter(tags=[tag], route_class=JsonRoute, responses=EVERYWHERE, dependencies=needed)
