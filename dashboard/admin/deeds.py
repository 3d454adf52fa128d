"""What the pages of administration do: it asks first where it takes something away, is told of, and can be undone."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import streamlit as st

from dashboard import bridge, formats, gate
from lib.access.viewer import Viewer
from lib.errors import AppError
from lib.store.engine import Store

T = TypeVar("T")
_PAGE = "deeds:page"
_DONE = "deeds:done"
_PROBLEM = "deeds:problem"
_ASKING = "deeds:asking"
Work = Callable[[Store, Viewer], Coroutine[Any, Any, T]]


@dataclass(frozen=True)
class Done:
    """What was done, in a sentence, and what takes it back, where anything does."""

    words: str
    undo: Work[Any] | None = None


@dataclass(frozen=True)
class Deed:
    """What is done; ``told`` makes the sentence, and what takes it back, of what it gave."""

    work: Work[Any]
    told: Callable[[Any], Done]


def deed(work: Work[Any], words: str, undo: Work[Any] | None = None) -> Deed:
    """A deed whose sentence is known beforehand."""
    return Deed(work, lambda _: Done(words, undo))


def enter(page: str) -> None:
    """Forget what was done and asked on another page."""
    if st.session_state.get(_PAGE) != page:
        for key in (_DONE, _PROBLEM, _ASKING):
            st.session_state.pop(key, None)
        st.session_state[_PAGE] = page


def attempt(work: Work[T]) -> tuple[bool, T | None]:
    """Do it as whoever clicked; whether it was done, and what it gave. A refusal is told when the page is drawn."""
    st.session_state.pop(_ASKING, None)
    st.session_state.pop(_DONE, None)
    viewer = gate.current_viewer()
    try:
        return True, bridge.run(work(bridge.store(), viewer))
    except AppError as error:
        problem(error)
        return False, None


@gate.guarded_callback
def do(deed: Deed) -> None:
    """A button's callback: do it and tell of it."""
    is_done, given = attempt(deed.work)
    if is_done:
        tell(deed.told(given))


def tell(done: Done) -> None:
    """Say so when the page is drawn, until the next deed or until it is dismissed."""
    st.session_state[_DONE] = done


def problem(error: AppError | str) -> None:
    """Say once why it was refused."""
    st.session_state[_PROBLEM] = str(error)


def forget_question() -> None:
    """Whoever turns to something else has not answered."""
    st.session_state.pop(_ASKING, None)


def say() -> None:
    """What was done last, with the way back; and what was refused.

    It has a place of its own, taken or not: what comes below keeps its place, and is not drawn twice meanwhile.
    """
    with st.container(key="deeds"):
        _refused()
        _done()


def _refused() -> None:
    words = st.session_state.pop(_PROBLEM, None)
    if words:
        with st.container(key="deed_problem"):
            st.error(formats.plain(words), icon=":material/error:")


def _done() -> None:
    done: Done | None = st.session_state.get(_DONE)
    if done is None:
        return
    with st.container(key="deed_done", horizontal=True, vertical_alignment="center", gap="small"):
        st.success(formats.plain(done.words), icon=":material/check_circle:")
        if done.undo is not None:
            back = Deed(done.undo, lambda _: Done("Undone."))
            st.button("Undo", key="deeds:undo", icon=":material/undo:", on_click=do, args=(back,))
        st.button("Dismiss", key="deeds:dismiss", type="tertiary", on_click=_dismiss)


def asking(key: str, label: str, icon: str, *, kind: Any = "secondary") -> None:
    """A button that only asks; ``question`` draws the question itself under the same key."""
    st.button(label, key=key, icon=icon, type=kind, on_click=ask, args=(key,))


def is_asked(key: str) -> bool:
    """Whether the question of this key is to be drawn."""
    return bool(st.session_state.get(_ASKING) == key)


def question(key: str, words: str, verb: str, deed: Deed) -> None:
    """Where the button of this key was clicked: what would happen, and the two answers."""
    if not is_asked(key):
        return
    with st.container(key="deed_question", border=True):
        st.markdown(formats.plain(words))
        with st.container(horizontal=True, gap="small"):
            st.button(verb, key=f"{key}:yes", type="primary", on_click=do, args=(deed,))
            st.button("Cancel", key=f"{key}:no", on_click=ask, args=(None,))


@gate.guarded_callback
def ask(key: str | None) -> None:
    """Ask the question of this key (``None``: no question) in the place of what was told last."""
    st.session_state.pop(_DONE, None)
    st.session_state[_ASKING] = key


@gate.guarded_callback
def _dismiss() -> None:
    st.session_state.pop(_DONE, None)
