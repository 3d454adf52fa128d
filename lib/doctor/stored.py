"""The checks around the database: server, migrations, key, and each client's token, accounts and last refreshes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from lib.doctor.database import DATABASE, MIGRATIONS, database, migrations
from lib.doctor.finding import Finding, State, failed, skipped
from lib.doctor.guarding import guarded
from lib.doctor.keys import key, opened
from lib.doctor.refreshes import History, not_outweighed, refreshes
from lib.doctor.tokens import Look, Patient, look
from lib.refresh.last import LastRefresh, last_refreshes_in
from lib.settings import Settings
from lib.store import migrate
from lib.store.engine import Store
from lib.store.looking import ServerFacts, server_facts
from lib.store.models import Client
from lib.store.repositories.clients import clients_with_tokens

Stores = Callable[[], Store]
"""Gives the store; its AppError says why there is none."""
CLIENTS = "Clients"
DATABASE_S, META_S = 15.0, 60.0
_SILENT = "The database does not answer, so nobody could look."


@dataclass
class Stored:
    """What was found, and how far other clocks are ahead of ours, by their names."""

    findings: list[Finding] = field(default_factory=list)
    clocks_ahead_s: dict[str, float] = field(default_factory=dict)


async def examine_store(settings: Settings, stores: Stores, pool: ThreadPoolExecutor) -> Stored:
    """All of them; where the database does not answer, what can be said without it."""
    asked = await guarded(DATABASE, _asked(stores), DATABASE_S)
    if isinstance(asked, Finding):
        return Stored([asked, skipped(MIGRATIONS, _SILENT), key(settings, None), skipped(CLIENTS, _SILENT)])
    store, facts, revision = asked
    # Looking the newest migration up reads files, which the dashboard's loop must not wait for.
    stands = await asyncio.to_thread(migrations, revision)
    found = Stored([database(settings, facts), stands], {"PostgreSQL": facts.clock_ahead_s})
    if stands.state is not State.OK:
        found.findings += [key(settings, None), skipped(CLIENTS, "They can be looked at once the database is current.")]
        return found
    known = await guarded(CLIENTS, _clients(store), DATABASE_S)
    if isinstance(known, Finding):
        found.findings += [key(settings, None), known]
        return found
    found.findings.append(
        key(settings, {each.name: each.credential.token_encrypted for each in known.clients if each.credential})
    )
    await _ask_meta(settings, known, pool, found)
    return found


async def _asked(stores: Stores) -> tuple[Store, ServerFacts, str | None]:
    store = stores()
    return store, await server_facts(store), await migrate.current(store)


@dataclass(frozen=True)
class _Known:
    """The clients, and what the last refreshes of their accounts met."""

    clients: Sequence[Client]
    last: Mapping[int, LastRefresh]

    def history_of(self, client: Client) -> History:
        """Of its connected accounts."""
        return History({number: self.last[number] for number in _connected(client) if number in self.last})


async def _clients(store: Store) -> _Known:
    async with store.working(timeout_s=int(DATABASE_S)) as session:
        found = await clients_with_tokens(session)
        here = [number for client in found if client.archived_at is None for number in _connected(client)]
        return _Known(found, await last_refreshes_in(session, here))


def _connected(client: Client) -> tuple[int, ...]:
    return tuple(account.account_id for account in client.accounts if account.disconnected_at is None)


async def _ask_meta(settings: Settings, known: _Known, pool: ThreadPoolExecutor, found: Stored) -> None:
    """Look at every client side by side, and note the clocks of whoever answered."""
    clients = [client for client in known.clients if client.archived_at is None]
    if not clients:
        found.findings.append(skipped(CLIENTS, "There is no client yet.", "`python -m lib client add` adds one."))
    looks = await asyncio.gather(*(_look(settings, client, pool) for client in clients))
    for client, (patient, seen) in zip(clients, looks, strict=True):
        history = known.history_of(client)
        found.findings += [*not_outweighed(patient, seen.findings, history), *refreshes(patient, history)]
        if seen.clock_ahead_s is not None:
            found.clocks_ahead_s["the sandbox" if client.is_sample else "Meta"] = seen.clock_ahead_s


async def _look(settings: Settings, client: Client, pool: ThreadPoolExecutor) -> tuple[Patient, Look]:
    patient = Patient(client.name, client.slug, client.is_sample, client.graph_url, _connected(client))
    if client.credential is None:
        return patient, Look((failed(patient.token, "No token is stored.", patient.new_token),))
    token = opened(settings, client.credential.token_encrypted)
    if token is None:
        return patient, Look((skipped(patient.token, "It cannot be read with the keys at hand."),))
    job = asyncio.get_running_loop().run_in_executor(pool, look, patient, token)
    seen = await guarded(patient.token, job, META_S)
    return patient, Look((seen,)) if isinstance(seen, Finding) else seen
