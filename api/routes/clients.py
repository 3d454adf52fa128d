"""/api/v1/clients: whom the viewer may see."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from api.envelope import Data, Page
from api.openapi import errors
from api.paging import Paging
from api.routes import OpenStore, Reader, subject
from api.schemas.scope import Client
from lib.errors import NotFound
from lib.insights.scope import clients_in_scope

router = subject("clients and accounts")
ClientId = Annotated[str, Path(description="the short name of the client", examples=["acme"])]


@router.get("/clients", summary="Your clients", response_description="A page of your clients.")
async def list_clients(user: Reader, store: OpenStore, paging: Annotated[Paging, Query()]) -> Page[Client]:
    """The clients that are open to you, by name."""
    return paging.of([Client.of(client) for client in await clients_in_scope(store, user.viewer)])


@router.get("/clients/{client_id}", summary="One client", response_description="The client.", responses=errors(404))
async def get_client(user: Reader, store: OpenStore, client_id: ClientId) -> Data[Client]:
    """A client that is open to you."""
    for client in await clients_in_scope(store, user.viewer):
        if client.slug == client_id:
            return Data(data=Client.of(client))
    raise NotFound("There is no such client.", "GET /api/v1/clients lists those that are open to you.")
