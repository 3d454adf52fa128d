"""The app behind /api/v1. It has no pages of its own about itself, and answers nobody who is not signed in."""

from __future__ import annotations

from fastapi import FastAPI

from api import envelope
from api.accounts import Stores
from api.routes import me


def create_api(stores: Stores) -> FastAPI:
    """The app; ``stores`` gives the store of this process when a request needs it."""
    app = FastAPI(title="Ads Administrator", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.stores = stores
    envelope.install(app)
    app.include_router(me.router)
    return app
