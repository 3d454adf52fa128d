"""Who is looking. Every page, fragment and callback asks here, and here asks PostgreSQL every time.

A person is known by the cookie ``ads_session`` (local accounts and one-time links) or by ``st.user`` (OIDC).
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import NoReturn, ParamSpec, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import streamlit as st

from dashboard import bridge
from lib.access import sessions
from lib.access.viewer import Viewer
from lib.errors import AccessError, AppError, StoreError
from lib.settings import get_settings

P = ParamSpec("P")
R = TypeVar("R")
OIDC_PROVIDER = "auth0"
LINK_STYLE = (
    "display:inline-block;padding:.5rem 1rem;border:1px solid currentColor;border-radius:8px;"
    "color:inherit;text-decoration:none;font-weight:600"
)


@dataclass(frozen=True)
class Visitor:
    """Whoever opened the page: a viewer, or none and the reason where there is one."""

    viewer: Viewer | None = None
    problem: AppError | None = None


def identify() -> Visitor:
    """Look the visitor up in the store; draws nothing."""
    try:
        token = st.context.cookies.get(sessions.COOKIE)
        viewer = bridge.run(sessions.viewer_of(bridge.store(), token)) if token else None
        if viewer is None and _came_by_oidc():
            viewer = bridge.run(sessions.session_of_oidc(bridge.store(), st.user.to_dict(), max_age()))
    except (AccessError, StoreError) as error:
        return Visitor(problem=error)
    return Visitor(viewer)


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
    _, middle, _ = st.columns((1, 1.2, 1))
    with middle:
        st.title("Ads Administrator")
        if problem is not None:
            st.info(str(problem))
        st.write("Sign in to see your clients' numbers.")
        if get_settings().has_oidc:
            st.button(_oidc_label(), key="gate_oidc", type="primary", on_click=st.login, args=(OIDC_PROVIDER,))
        address = f"/sign-in?{urlencode({'next': _here()}, quote_via=quote)}"
        # A plain link stays in this window; st.link_button would open another.
        st.html(f'<a href="{escape(address)}" style="{LINK_STYLE}">Sign in with e-mail and password</a>')


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
        st.text(f"{viewer.email} · {viewer.role.value}")
        st.button("Sign out", key="gate_sign_out", on_click=sign_out)


def sign_out() -> None:
    """End this sign-in in every window that stands on it, and at the OIDC provider."""
    viewer = identify().viewer
    if viewer is not None:
        bridge.run(sessions.revoke(bridge.store(), viewer.session_hash))
    if _came_by_oidc():
        bridge.run(sessions.revoke(bridge.store(), sessions.oidc_hash(st.user.to_dict())))
        st.logout()


def guarded_fragment(run_every: float | str | dt.timedelta | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """``st.fragment`` that checks the viewer at each rerun; once nobody is known, the whole page is replaced."""

    def decorate(draw: Callable[P, R]) -> Callable[P, R]:
        @st.fragment(run_every=run_every)
        @functools.wraps(draw)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            visitor = identify()
            if isinstance(visitor.problem, StoreError):
                st.error(str(visitor.problem), icon=":material/cloud_off:")
                st.stop()
            if visitor.viewer is None:
                st.rerun(scope="app")
            return draw(*args, **kwargs)

        return guarded

    return decorate


def guarded_callback(action: Callable[P, None]) -> Callable[P, None]:
    """A widget's callback that does nothing for someone who is not signed in; the rerun then draws the sign-in."""

    @functools.wraps(action)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        if identify().viewer is not None:
            action(*args, **kwargs)

    return guarded
