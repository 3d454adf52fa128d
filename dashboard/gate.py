"""Who is looking. Every page, fragment and callback asks here, and here asks PostgreSQL each time that one begins.

A person is known by the cookie ``ads_session`` (local accounts and one-time links) or by ``st.user`` (OIDC).
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from html import escape
from typing import Any, NoReturn, ParamSpec, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import streamlit as st

from dashboard import bridge, formats, leaving, popup
from lib.access import sessions
from lib.access.oidc_cookie import FAILED_COOKIE
from lib.access.viewer import Viewer
from lib.errors import AccessError, AppError, StoreError
from lib.refresh.glance import Glance, glance
from lib.settings import get_settings

P = ParamSpec("P")
R = TypeVar("R")
OIDC_PROVIDER = "auth0"
FAILED = (
    "The sign-in did not succeed and nobody was signed in: try again, and ask your administrator if it fails again."
)
_EYES = "gate:eyes"


@dataclass(frozen=True)
class Start:
    """What every page begins with: what its viewer may see, the run that is going on, the engine and its version."""

    glance: Glance
    version: str


@dataclass(frozen=True)
class Visitor:
    """Whoever opened the page: a viewer, or none and the reason where there is one."""

    viewer: Viewer | None = None
    problem: AppError | None = None
    start: Start | None = None


_present: ContextVar[Visitor | None] = ContextVar("present", default=None)
Claims = Mapping[str, Any]


def arrive() -> Visitor:
    """Look the visitor up in the store and, on the same way, what every page begins with; draws nothing."""
    return _looked_up(_arrived)


def identify() -> Visitor:
    """Look the visitor up in the store, once in each rerun, fragment and callback; draws nothing."""
    return _present.get() or _looked_up(_known)


def _looked_up(look: Callable[[str | None, Claims | None, str], Coroutine[Any, Any, Visitor]]) -> Visitor:
    token = st.context.cookies.get(sessions.COOKIE)
    claims = st.user.to_dict() if _came_by_oidc() else None
    if not token and not claims:
        return Visitor()
    try:
        return bridge.run(look(token, claims, _address()))
    except (AccessError, StoreError) as error:
        return Visitor(problem=error)


def _address() -> str:
    """Where the visitor asks from, as the server knows it."""
    return st.context.ip_address or ""


async def _known(token: str | None, claims: Claims | None, address: str) -> Visitor:
    viewer = await sessions.viewer_of(bridge.store(), token) if token else None
    if viewer is None and claims:
        viewer = await sessions.session_of_oidc(bridge.store(), claims, max_age(), address=address)
    return Visitor(viewer)


async def _arrived(token: str | None, claims: Claims | None, address: str) -> Visitor:
    viewer = (await _known(token, claims, address)).viewer
    return Visitor(viewer, start=await _start(viewer) if viewer else None)


async def _start(viewer: Viewer) -> Start | None:
    try:
        return Start(await glance(bridge.store(), viewer), await bridge.version(viewer))
    except AppError:
        # The page asks again, and says what is wrong in the place of its numbers.
        return None


@contextmanager
def present(visitor: Visitor) -> Iterator[None]:
    """Within this, whoever asks is told of ``visitor``, who was looked up for it a moment ago."""
    token = _present.set(visitor)
    try:
        yield
    finally:
        _present.reset(token)


def start_of(viewer: Viewer) -> Start | None:
    """What this rerun began with; None where it was not read for this viewer."""
    visitor = _present.get()
    return visitor.start if visitor is not None and visitor.viewer is viewer else None


def max_age() -> dt.timedelta:
    """How long a sign-in holds."""
    return dt.timedelta(hours=get_settings().session_max_age_hours)


def _came_by_oidc() -> bool:
    return get_settings().has_oidc and bool(st.user.get("is_logged_in"))


def admit(visitor: Visitor) -> Viewer:
    """The viewer; for everyone else draw the sign-in, or what is wrong, and stop the script."""
    if visitor.viewer is None:
        _turn_away(visitor.problem)
    return visitor.viewer


def current_viewer() -> Viewer:
    """The signed-in person. Nobody known: the sign-in is drawn and the script stops here."""
    return admit(identify())


def _turn_away(problem: AppError | None) -> NoReturn:
    if isinstance(problem, StoreError):
        draw_problem(problem)
    elif isinstance(problem, AccessError) and not isinstance(problem, sessions.SignInEnded):
        st.title("No access")
        st.warning(str(problem), icon=":material/lock:")
        st.button("Sign out", key="gate_sign_out", on_click=sign_out)
    else:
        _draw_sign_in(problem)
    st.stop()


def draw_problem(problem: AppError) -> None:
    """Say what is wrong where a page would be."""
    st.title("Ads Administrator")
    st.error(str(problem), icon=":material/cloud_off:")
    st.button("Try again", key="gate_try_again")


def _draw_sign_in(problem: AppError | None) -> None:
    with st.container(key="gate"):
        st.title("Ads Administrator", anchor=False)
        if problem is not None:
            st.info(str(problem))
        elif FAILED_COOKIE in st.context.cookies:
            st.warning(FAILED, icon=":material/error:")
        st.write("Sign in to see your clients' numbers.")
        if get_settings().has_oidc:
            st.button(
                _oidc_label(),
                key="gate_oidc",
                type="primary",
                on_click=st.login,
                args=(OIDC_PROVIDER,),
                width="stretch",
            )
        if get_settings().has_popup:
            st.text("Or sign in with Auth0 in a window of its own:")
            popup.draw(get_settings())
        if not get_settings().local_accounts:
            return
        address = f"/sign-in?{urlencode({'next': _here()}, quote_via=quote)}"
        # A plain link stays in this window; st.link_button would open another.
        st.html(f'<a href="{escape(address)}" class="gate_link">Sign in with e-mail and password</a>')


def _oidc_label() -> str:
    host = urlsplit(get_settings().auth_issuer).hostname or ""
    return "Sign in with Auth0" if host.endswith(".auth0.com") else "Sign in with single sign-on"


def _here() -> str:
    """The address of this page without the host, to come back to."""
    path = urlsplit(st.context.url or "").path or "/"
    query = urlencode([(name, value) for name in st.query_params for value in st.query_params.get_all(name)])
    return f"{path}?{query}" if query else path


def draw_sidebar(viewer: Viewer) -> None:
    """Who is signed in, and the way out."""
    with st.sidebar:
        email, role = (viewer.seen_by, "admin") if viewer.seen_by else (viewer.email, viewer.role.value)
        st.html(f'<span title="{escape(email)}">{formats.breakable(email)} · {role}</span>')
        st.session_state[_EYES] = _eyes(viewer)
        st.button("Sign out", key="gate_sign_out", on_click=sign_out)
        leaving.listen()


def _eyes(viewer: Viewer) -> str:
    """Whose eyes an administrator looks through; empty for one's own."""
    return viewer.email if viewer.seen_by else ""


def sign_out() -> None:
    """End this sign-in in every window that stands on it, then forget the cookies and leave the sign-in service."""
    viewer = identify().viewer
    if viewer is not None:
        bridge.run(sessions.revoke(bridge.store(), viewer.session_hash, address=_address()))
    if _came_by_oidc():
        bridge.run(sessions.revoke(bridge.store(), sessions.oidc_hash(st.user.to_dict()), address=_address()))
    # This sends the window to /auth/logout, which is ours.
    st.logout()


def guarded_fragment(run_every: float | str | dt.timedelta | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """``st.fragment`` that checks the viewer at each rerun; once nobody is known, or another is seen as, the whole page
    is replaced."""

    def decorate(draw: Callable[P, R]) -> Callable[P, R]:
        @st.fragment(run_every=run_every)
        @functools.wraps(draw)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            visitor = identify()
            if isinstance(visitor.problem, StoreError):
                st.error(str(visitor.problem), icon=":material/cloud_off:")
                st.stop()
            if visitor.viewer is None or _eyes(visitor.viewer) != st.session_state.get(_EYES, ""):
                st.rerun(scope="app")
            with present(visitor):
                return draw(*args, **kwargs)

        return guarded

    return decorate


def guarded_callback(action: Callable[P, None]) -> Callable[P, None]:
    """A widget's callback that does nothing for someone who is not signed in; the rerun then draws the sign-in."""

    @functools.wraps(action)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        visitor = identify()
        if visitor.viewer is not None:
            with present(visitor):
                action(*args, **kwargs)

    return guarded
