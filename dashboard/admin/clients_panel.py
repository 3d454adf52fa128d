"""One client: its name, its token, its accounts and what is fetched for it, and what may be done with them."""

from __future__ import annotations

import datetime as dt
from functools import partial

import streamlit as st

from dashboard import bridge, formats, gate, refreshing
from dashboard.admin import clients_choice, clients_look, clients_words, deeds, portions
from dashboard.admin.deeds import Deed, Done
from lib.access.viewer import Viewer
from lib.clients.accounts import disconnect_account, reconnect_account
from lib.clients.changes import archive_client, rename_client, restore_client
from lib.clients.facts import AccountFacts, ClientFacts, accounts_of

MANY = 8
"""More accounts than this are scrolled."""


def panel(viewer: Viewer, client: ClientFacts) -> None:
    """What is known of the client, and the buttons; of an archived one only the way back."""
    if client.is_archived:
        _archived(client)
        return
    _token(viewer, client)
    _accounts(viewer, client)
    clients_choice.section(viewer, client)
    _itself(client)


def _archived(client: ClientFacts) -> None:
    when = formats.day(client.archived_at.date()) if client.archived_at else ""
    st.caption(f"Archived on {when}. Nobody sees it and it is not refreshed; its numbers are kept.")
    done = Done(f"{client.name} is back, as it was.", partial(archive_client, client_id=client.id))
    deed = Deed(partial(restore_client, client_id=client.id), lambda _: done)
    st.button("Bring back", key="clients:restore", icon=":material/unarchive:", on_click=deeds.do, args=(deed,))


def _token(viewer: Viewer, client: ClientFacts) -> None:
    with st.container(key="clients_token", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(clients_words.token_badge(client), width="content")
        st.caption(clients_words.checked_words(client, dt.datetime.now(dt.UTC)), width="stretch")
        if client.has_token:
            about = "Ask Meta whether the token is good and which accounts it opens"
            st.button(
                "Test",
                key="clients:test",
                icon=":material/verified_user:",
                help=about,
                on_click=clients_look.test,
                args=(client.id,),
            )
        st.button(
            "Replace" if client.has_token else "Paste a token",
            key="clients:replace",
            icon=":material/key:",
            on_click=clients_look.paste,
            args=(client.id,),
        )
    if clients_look.is_pasting(client.id):
        clients_look.form(client.id)
    clients_look.bench(viewer, client)


def _accounts(viewer: Viewer, client: ClientFacts) -> None:
    accounts = bridge.run(accounts_of(bridge.store(), viewer, client.id))
    connected = frozenset(account.account_id for account in accounts if account.is_connected)
    with st.container(key="clients_accounts_head", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**Accounts**", width="stretch")
        if connected:
            st.button(
                "Refresh",
                key="clients:refresh",
                icon=":material/sync:",
                disabled=refreshing.current_run(viewer) is not None,
                help="Fetch the last 28 days and today from Meta for the accounts of this client",
                on_click=refreshing.start,
                kwargs={"accounts": connected},
            )
        if client.has_token:
            st.button(
                "Connect",
                key="clients:connect",
                icon=":material/add_link:",
                help="Choose among the accounts that the stored token opens",
                on_click=clients_look.test,
                args=(client.id,),
            )
    if not accounts:
        st.caption("No account is connected yet.")
    key, height = f"accounts:{client.id}", 400 if len(accounts) > MANY else "content"
    with st.container(key="clients_accounts", height=height, border=False, gap=None):
        for account in portions.shown(accounts, key):
            _account(client, account)
        portions.more(accounts, key)


def _account(client: ClientFacts, account: AccountFacts) -> None:
    key = f"clients:account:{account.account_id}"
    off = partial(disconnect_account, client_id=client.id, account_id=account.account_id)
    on = partial(reconnect_account, client_id=client.id, account_id=account.account_id)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"account_{account.account_id}"):
        badge = "" if account.is_connected else " :gray-badge[Disconnected]"
        about = formats.plain(clients_words.account_words(account))
        st.markdown(f"{formats.plain(account.name)}{badge}  \n:small[:gray[{about}]]", width="stretch")
        if account.is_connected:
            deeds.asking(key, "Disconnect", ":material/link_off:", kind="tertiary")
        else:
            back = Deed(on, lambda _: Done(f"{account.name} is connected again, with its numbers.", off))
            st.button(
                "Connect again", key=key, icon=":material/link:", type="tertiary", on_click=deeds.do, args=(back,)
            )
    last = account.refused
    if last and last.failure:
        refreshing.refused(last.failure, f"The last refresh failed {formats.ago(last.at, dt.datetime.now(dt.UTC))}")
    deeds.question(
        key,
        f"Disconnect {account.name}? Its numbers disappear from every page for everyone, and it is refreshed no more."
        " What is stored is kept, so that it can be connected again.",
        "Disconnect it",
        Deed(off, lambda _: Done(f"{account.name} is disconnected; its numbers are kept.", on)),
    )


def _itself(client: ClientFacts) -> None:
    archive = partial(archive_client, client_id=client.id)
    with st.container(key="clients_itself", horizontal=True, gap="small"):
        _renaming(client)
        deeds.asking("clients:archive", "Archive", ":material/inventory_2:")
    deeds.question(
        "clients:archive",
        f"Archive {client.name}? The client and its {formats.counted(client.account_count, 'account')} disappear from"
        " every page for everyone, and are refreshed no more. What is stored is kept, and the client can be brought"
        " back here.",
        "Archive it",
        Deed(
            archive,
            lambda _: Done(
                f"{client.name} is archived; its numbers are kept.", partial(restore_client, client_id=client.id)
            ),
        ),
    )


def _renaming(client: ClientFacts) -> None:
    popover = st.popover("Rename", icon=":material/edit:", key="clients_rename", on_change="rerun")
    with popover, st.form("clients_name", border=False, enter_to_submit=True):
        key = f"clients:new_name:{client.id}:{client.name}"
        st.text_input("Name", value=client.name, key=key, max_chars=100)
        st.form_submit_button("Rename it", type="primary", on_click=_rename, args=(client, key))


@gate.guarded_callback
def _rename(client: ClientFacts, key: str) -> None:
    name = st.session_state[key]
    is_done, _ = deeds.attempt(lambda store, viewer: rename_client(store, viewer, client.id, name, seen=client.name))
    if is_done:
        st.session_state["clients_rename"] = False
        undo = partial(rename_client, client_id=client.id, name=client.name, seen=name.strip())
        deeds.tell(Done(f"{client.name} is now called {name.strip()}.", undo))
