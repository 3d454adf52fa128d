"""/api/v1/insights: any question about the numbers, as JSON, CSV or Arrow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Query, Request, Response

from api.answers import as_file, as_json
from api.deps import get_engine
from api.negotiation import ARROW, CSV, JSON, wanted
from api.openapi import WITH_BODY
from api.routes import OpenStore, Reader, subject_of_files
from api.schemas.insights import Answer, AnswerPaging, Question, Words
from lib.access.sightings import sightings
from lib.access.viewer import Viewer
from lib.errors import QueryError
from lib.insights.asking import ask as ask_engine
from lib.insights.engine import Engine, PostgresEngine
from lib.insights.paging import read_page
from lib.insights.query import InsightQuery
from lib.store.engine import Store

router = subject_of_files("insights")
FORMATS = {CSV: "csv", ARROW: "arrow"}
EXAMPLE = '\ufeffweek,currency,spend\r\n2026-10-05,"EUR",1234.56\r\n'
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": Answer,
        "description": "JSON in pages; CSV and Arrow with every row, named by `Ads-Engine` and `Ads-Sample`.",
        "content": {
            CSV: {"schema": {"type": "string"}, "example": EXAMPLE},
            ARROW: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@dataclass(frozen=True)
class Asking:
    """Who asks whom, and for which kind of answer."""

    user: Reader
    store: OpenStore
    engine: Annotated[Engine, Depends(get_engine)]
    request: Request


Asked = Annotated[Asking, Depends()]


@router.get("/insights", summary="Ask in the words of the command line", response_class=Response, responses=ANSWERS)
async def ask_in_words(asking: Asked, words: Annotated[Words, Query()]) -> Response:
    """For questions that fit into an address; the words and keys are those of `python -m lib export`."""
    return await _answer(asking, words.read(), words)


@router.post("/insights", summary="Ask any question", response_class=Response, responses={**ANSWERS, **WITH_BODY})
async def ask(asking: Asked, question: Question, paging: Annotated[AnswerPaging, Query()]) -> Response:
    """Nothing is changed by asking; the question is a body because it may be long."""
    return await _answer(asking, question.read(), paging)


async def _answer(asking: Asking, query: InsightQuery, paging: AnswerPaging) -> Response:
    viewer = asking.user.viewer
    media = wanted(asking.request, (JSON, CSV, ARROW))
    check_accounts(query.account_ids, viewer)

    async def answer(engine: Engine) -> Response:
        if media != JSON:
            return await as_file(engine, query, viewer, FORMATS[media], asking.request)
        page = await read_page(engine, query, viewer, offset=paging.offset, limit=paging.per_page)
        if page.answer.table.num_rows:
            await sightings.note(asking.store, viewer, query.account_ids, "api")
        return await as_json(page, paging)

    if paging.engine is None:
        return await ask_engine(lambda: asking.engine, answer)
    return await answer(_engine(asking.engine, asking.store, paging.engine))


def _engine(engine: Engine, store: Store, name: str) -> Engine:
    """The engine of this name: one that is asked for is never swapped for another."""
    if name == engine.name:
        return engine
    if name == "postgres":
        return PostgresEngine(store)
    raise HTTPException(503, "The mirror does not answer here now. Leave the engine out, or ask postgres.")


def check_accounts(account_ids: frozenset[int] | None, viewer: Viewer) -> None:
    """QueryError with the same sentence for an account that does not exist and for one of other people's."""
    foreign = sorted((account_ids or frozenset()) - viewer.account_ids)
    if foreign:
        listed = "GET /api/v1/accounts lists those that are open to you."
        raise QueryError(f"There is no account act_{foreign[0]} among yours.", listed)
