"""The query builder: grouping and metrics, then how the answer is arranged. All of it lives in the address."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard import address, filters, formats
from dashboard.explore import arranging, words
from dashboard.explore.arranging import set_parts, with_parts
from dashboard.explore.view import MOST_DIMENSIONS, MOST_METRICS, SHARES, ExploreView
from lib.insights.attribution import WINDOWS


def builder(view: ExploreView) -> None:
    """The controls that make the question; on a phone a switch unfolds them, so that the answer comes first."""
    with st.container(key="builder", border=True, gap="small"):
        st.toggle(f"Change the question: {asked(view)}", key="builder_open")
        with st.container(key="builder_what", horizontal=True, vertical_alignment="bottom", gap="small"):
            _several(
                "Group by", "group_by", words.DIMENSIONS, view.group_by, most=MOST_DIMENSIONS, words_of=words.dimension
            )
            _several("Metrics", "metrics", words.MENU, view.metrics, most=MOST_METRICS, words_of=words.metric)
            _browse(view)
        with st.container(key="builder_how", horizontal=True, vertical_alignment="bottom", gap="small"):
            arranging.sort(view)
            arranging.pivot(view)
            arranging.top(view)
            filters.choice("Show", "share", SHARES, view.share, words=SHARES.__getitem__, width=215)
            options = ("", *WINDOWS)
            filters.choice(
                "Conversions", "attribution", options, view.attribution, words=_window, width=200, then=_changed_window
            )


def _window(name: str) -> str:
    return WINDOWS[name].capitalize() if name else "Accounts' own setting"


def _changed_window(name: str) -> None:
    set_parts(attribution=name)


def asked(view: ExploreView) -> str:
    """Spend, impressions and 4 more by campaign."""
    named = [words.metric(slug) for slug in view.metrics]
    listed = formats.listed([named[0], *(words.inside(each) for each in named[1:])], 2)
    return formats.plain(f"{listed} {words.by(view.group_by)}".strip())


def _several(
    label: str,
    name: str,
    options: Sequence[str],
    chosen: Sequence[str],
    *,
    most: int,
    words_of: Callable[[str], str],
) -> None:
    st.multiselect(
        label,
        list(options),
        format_func=words_of,
        key=filters.shown(name, list(chosen)),
        max_selections=most,
        select_all=False,
        placeholder="Type a name",
        on_change=_changed_several,
        args=(name,),
        wrap=True,
    )


def _changed_several(name: str) -> None:
    chosen = tuple(filters.value_of(name))
    set_parts(**{name: chosen if chosen or name != "metrics" else ("spend",)})


def _browse(view: ExploreView) -> None:
    """Every metric under what it tells about; only drawn while it is open."""
    menu = st.popover("All metrics", icon=":material/list:", key="metrics_menu", on_change="rerun")
    if not menu.open:
        return
    with menu:
        for number, (group, slugs) in enumerate(words.GROUPS.items()):
            st.pills(
                group,
                slugs,
                selection_mode="multi",
                format_func=words.metric,
                key=filters.shown(f"group_{number}", [slug for slug in slugs if slug in view.metrics]),
                on_change=_changed_group,
                args=(number, slugs),
            )


def _changed_group(number: int, slugs: Sequence[str]) -> None:
    chosen = filters.value_of(f"group_{number}")
    address.apply(lambda view: with_parts(view, metrics=with_group(view.metrics, slugs, chosen)))


def with_group(metrics: Sequence[str], group: Sequence[str], chosen: Sequence[str]) -> tuple[str, ...]:
    """``metrics`` with those of ``group`` that are chosen: the others go, new ones come last."""
    kept = [slug for slug in metrics if slug not in group or slug in chosen]
    added = [slug for slug in chosen if slug not in kept]
    return tuple([*kept, *added][:MOST_METRICS]) or ("spend",)
