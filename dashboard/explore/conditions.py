"""The filters of the question as pills: each opens to be changed while one types, and is taken out by its cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st
from streamlit.elements.lib.mutable_popover_container import PopoverContainer

from dashboard import address, filters, formats
from dashboard.explore import drafts, words
from dashboard.explore.arranging import with_parts
from dashboard.explore.drafts import Field
from dashboard.explore.editor import Boxes
from dashboard.explore.values import Names
from dashboard.explore.view import MOST_CONDITIONS, ExploreView
from dashboard.frames import Reader
from dashboard.selection import Selection
from lib.insights.filters import Filter
from lib.insights.scope import ClientScope

_MENU = "add_filter_menu"
_DRAFT, _FIELD = "draft", "draft:field"


@dataclass(frozen=True)
class Place:
    """Where a condition stands in the view: ``part`` is filters or having."""

    part: str
    number: int

    @property
    def key(self) -> str:
        """Tells its widgets apart."""
        return f"{self.part}_{self.number}"

    def boxes(self, each: Filter) -> Boxes:
        """The boxes for the condition that stands here."""
        return Boxes(self.key, drafts.field_of(each, is_having=self.part == "having"))


def row(view: ExploreView, scope: Sequence[ClientScope], selection: Selection, numbers: Reader, names: Names) -> None:
    """Add filter, then a pill for each client, account and condition, then Clear filters."""
    with st.container(key="pills", horizontal=True, gap="xsmall", vertical_alignment="center"):
        _add(view, selection, numbers)
        filters.pills(view, scope)
        for part, conditions in (("filters", view.filters), ("having", view.having)):
            for number, each in enumerate(conditions):
                menu = _pill(Place(part, number), each, names)
                if menu.open:
                    with menu:
                        _edit(Place(part, number), each, selection, numbers)
        if view.is_narrowed:
            st.button("Clear filters", key="clear_filters", type="tertiary", on_click=address.clear)
    if names.sentence:
        st.info(names.sentence, icon=":material/lock:")


def _pill(place: Place, each: Filter, names: Names) -> PopoverContainer:
    said = formats.plain(formats.short(words.condition(each, names.of(each))))
    with st.container(key=f"pill_{place.key}", horizontal=True, gap=None, width="content"):
        menu = st.popover(said, key=f"edit_{place.key}", on_change="rerun")
        st.button(
            "",
            key=f"drop_{place.key}",
            icon=":material/close:",
            help=f"Remove the filter {said}",
            on_click=_drop,
            args=(place.part, each),
        )
    return menu


def _edit(place: Place, each: Filter, selection: Selection, numbers: Reader) -> None:
    boxes = place.boxes(each)
    boxes.show(each)
    st.markdown(f"**{formats.plain(boxes.field.label)}**")
    boxes.draw(selection, numbers, _changed, place, each)
    boxes.problem()


def _changed(place: Place, drawn: Filter) -> None:
    """Put what the boxes say in the place of the condition, as soon as it is one."""
    boxes = place.boxes(drawn)
    # Two letters in quick succession: the second change starts from what the first one led to.
    before = boxes.shown() or drawn
    after = boxes.condition()
    if after is not None:
        address.apply(lambda view: replaced(view, place.part, before, after))


def _add(view: ExploreView, selection: Selection, numbers: Reader) -> None:
    is_full = len(view.filters) + len(view.having) >= MOST_CONDITIONS
    menu = st.popover("Add filter", icon=":material/add:", key=_MENU, on_change="rerun", disabled=is_full)
    if not menu.open:
        return
    with menu:
        field = st.selectbox("What", drafts.FIELDS, format_func=_label, key=_FIELD, width=320)
        boxes = Boxes(_DRAFT, field)
        boxes.draw(selection, numbers)
        st.button("Add", key="draft:add", type="primary", on_click=_added)
        boxes.problem()


def _label(field: Field) -> str:
    return field.label


def _added() -> None:
    field: Field = st.session_state[_FIELD]
    boxes = Boxes(_DRAFT, field)
    condition = boxes.condition()
    if condition is None:
        return
    part = "having" if field.kind == drafts.SUMS else "filters"
    address.apply(lambda view: with_parts(view, **{part: tuple(dict.fromkeys((*getattr(view, part), condition)))}))
    boxes.empty()
    st.session_state[_MENU] = False


def _drop(part: str, each: Filter) -> None:
    address.apply(lambda view: dropped(view, part, each))


def dropped(view: ExploreView, part: str, each: Filter) -> ExploreView:
    """``view`` without the condition."""
    left = tuple(other for other in getattr(view, part) if other != each)
    return replace(view, **{"page": 1, part: left})  # type: ignore[arg-type]


def replaced(view: ExploreView, part: str, before: Filter, after: Filter) -> ExploreView:
    """``view`` with ``after`` where ``before`` was."""
    swapped = (after if each == before else each for each in getattr(view, part))
    return with_parts(view, **{part: tuple(dict.fromkeys(swapped))})
