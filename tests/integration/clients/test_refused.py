"""What is said of an account that a refresh was refused, before and after its client's token is replaced."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, insert

from lib.access.viewer import Role
from lib.clients.facts import accounts_of
from lib.clients.tokens import look_at, replace_token, seal
from lib.refresh.last import last_refreshes
from lib.store.engine import Store
from lib.store.models import RefreshRun, RefreshRunAccount
from tests.fixtures_sandbox import Sandbox
from tests.integration.clients.conftest import MANAGER, again, made, person

DEAD = {"error_code": 190, "error_subcode": 463, "error_message": "The token is dead.", "error_remedy": "Create one."}
DENIED = {"error_code": 200, "error_message": "Meta gives no access.", "error_remedy": "Give it.", "trace_id": "AbC"}
WRONG = {"error_code": 100, "error_message": "Meta refused the request.", "error_remedy": "Report it."}
NEWER = "Another token was stored since then. Refresh again: a complete refresh ends this."


async def test_a_new_token_is_to_be_tried_and_no_other_to_be_made(store: Store, sandbox: Sandbox) -> None:
    manager = await person(store, MANAGER, Role.MANAGER)
    dead, denied, wrong = sandbox.ids[:3]
    client_id = await made(store, manager, "Acme", [dead, denied, wrong])
    async with store.working() as session:
        run_id = (await session.execute(insert(RefreshRun).returning(RefreshRun.id))).scalar_one()
        for number, error in ((dead, DEAD), (denied, DENIED), (wrong, WRONG)):
            values = {"account_id": number, "run_id": run_id, "state": "failed", "finished_at": func.clock_timestamp()}
            await session.execute(insert(RefreshRunAccount).values(values | error))

    async def said() -> dict[int, str]:
        """What Clients says, which Data says as well."""
        viewer = await again(store, manager)
        found = {one.account_id: one.refused for one in await accounts_of(store, viewer, client_id) if one.refused}
        assert found == await last_refreshes(store, viewer, viewer.account_ids)
        assert all(one.at < dt.datetime.now(dt.UTC) for one in found.values())
        return {number: one.failure.words for number, one in found.items() if one.failure}

    before = {
        dead: "The token is dead. Create one. (Meta's code 190/463)",
        denied: "Meta gives no access. Give it. (Meta's code 200, trace AbC)",
        wrong: "Meta refused the request. Report it. (Meta's code 100)",
    }
    assert await said() == before
    await replace_token(store, manager, client_id, await look_at(store, manager, seal("newer"), client_id))
    assert await said() == {
        dead: f"The token is dead. {NEWER} (Meta's code 190/463)",
        denied: f"Meta gives no access. {NEWER} (Meta's code 200, trace AbC)",
        wrong: before[wrong],
    }
