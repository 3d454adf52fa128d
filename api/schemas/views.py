"""Saved views as /api/v1 takes and shows them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from api.paging import Paging
from api.schemas import Body
from lib.insights import saved_views

Page = Annotated[
    Literal["overview", "explore"], Field(description="the page that it is a view of", examples=["explore"])
]
# The service checks these with sentences of its own; they stand here so that the description is whole.
Name = Annotated[
    str,
    Field(
        description="one line, seen by whoever sees the view",
        examples=["Retargeting, last 28 days"],
        json_schema_extra={"minLength": 1, "maxLength": saved_views.MAX_NAME, "pattern": saved_views.NAME},
    ),
]
Address = Annotated[
    str,
    Field(
        description="the page's query string, in which everything stands; dates may be relative. Whoever finds a"
        " shared view reads it, with the ids and names in it",
        examples=["period=last_28_days&group_by=campaign"],
        json_schema_extra={"maxLength": saved_views.MAX_ADDRESS, "pattern": saved_views.ADDRESS},
    ),
]
IsShared = Annotated[
    bool,
    Field(
        description="whether those find it who may see every client that its author could see, and administrators",
        examples=[True],
    ),
]


class SavedView(BaseModel):
    """The address of a page under a name. It holds no numbers: whoever opens it sees what their own grants open."""

    id: uuid.UUID = Field(description="of the view", examples=["0190c1a2-7b3c-4d5e-8f60-718293a4b5c6"])
    name: Name
    page: Page
    address: Address
    is_shared: IsShared
    is_mine: bool = Field(description="whether you saved it", examples=[True])
    created_at: dt.datetime = Field(description="when it was saved", examples=["2026-11-20T10:00:00Z"])
    updated_at: dt.datetime = Field(description="when it was last changed", examples=["2026-11-21T08:00:00Z"])

    @classmethod
    def of(cls, view: saved_views.SavedView) -> SavedView:
        """The view as it is shown."""
        return cls.model_validate(view, from_attributes=True)


class NewView(Body):
    """A view to save."""

    name: Name
    page: Page
    address: Address
    is_shared: IsShared = False


class ViewChanges(Body):
    """What is to be different about a view; what is left out stays."""

    name: Name = ""
    page: Page = "explore"
    address: Address = ""
    is_shared: IsShared = False


class ViewsPaging(Paging):
    """A page of the saved views, or of one page's."""

    of_page: Page | None = Field(None, description="only views of this page", examples=["explore"])
