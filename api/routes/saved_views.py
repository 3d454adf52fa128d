"""/api/v1/saved-views: addresses of pages under names, one's own and shared ones."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import Path, Query, Request, Response

from api.envelope import Data, Page
from api.openapi import LOCATION, WITH_BODY, errors
from api.routes import OpenStore, Reader, Writer, subject
from api.schemas.views import NewView, SavedView, ViewChanges, ViewsPaging
from lib.insights import saved_views

router = subject("saved views")
ViewId = Annotated[uuid.UUID, Path(description="the id of the view", examples=["0190c1a2-7b3c-4d5e-8f60-718293a4b5c6"])]


@router.get("/saved-views", summary="Your views and shared ones", response_description="A page of the views.")
async def list_views(user: Reader, store: OpenStore, paging: Annotated[ViewsPaging, Query()]) -> Page[SavedView]:
    """The views that you saved and those that others share, by name."""
    offset, limit, page = paging.offset, paging.per_page, paging.of_page
    found = await saved_views.list_views(store, user.viewer, page, offset=offset, limit=limit)
    total = await saved_views.count_views(store, user.viewer, page)
    return paging.holding([SavedView.of(view) for view in found], total)


@router.post(
    "/saved-views",
    status_code=201,
    summary="Save a view",
    response_description="The view as it was saved.",
    responses={201: {"headers": LOCATION}, **WITH_BODY, **errors(409)},
)
async def create_view(
    user: Writer, store: OpenStore, body: NewView, request: Request, response: Response
) -> Data[SavedView]:
    """For analysts, managers and administrators."""
    view = await saved_views.create_view(
        store, user.viewer, body.name, body.page, body.address, is_shared=body.is_shared, via="api"
    )
    response.headers["Location"] = request.url_for("get_view", view_id=view.id).path
    return Data(data=SavedView.of(view))


@router.get("/saved-views/{view_id}", summary="One view", response_description="The view.", responses=errors(404))
async def get_view(user: Reader, store: OpenStore, view_id: ViewId) -> Data[SavedView]:
    """A view of yours, or a shared one."""
    return Data(data=SavedView.of(await saved_views.get_view(store, user.viewer, view_id)))


@router.patch(
    "/saved-views/{view_id}",
    summary="Change a view",
    response_description="The view as it is now.",
    responses={**WITH_BODY, **errors(404)},
)
async def update_view(user: Writer, store: OpenStore, view_id: ViewId, body: ViewChanges) -> Data[SavedView]:
    """Your own views; administrators change shared ones too. The last of two who change at once wins."""
    changes = body.model_dump(exclude_unset=True)
    return Data(data=SavedView.of(await saved_views.update_view(store, user.viewer, view_id, via="api", **changes)))


@router.delete(
    "/saved-views/{view_id}",
    status_code=204,
    summary="Delete a view",
    response_description="It is deleted.",
    responses=errors(404),
)
async def delete_view(user: Writer, store: OpenStore, view_id: ViewId) -> None:
    """Your own views; administrators delete shared ones too."""
    await saved_views.delete_view(store, user.viewer, view_id, via="api")
