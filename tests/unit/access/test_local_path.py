"""Nobody is sent to another site by a parameter, a cookie or a header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from api.middleware import is_same_origin, local_path


@pytest.mark.parametrize(
    "address",
    [
        "", "overview", "http://evil.example", "https:evil.example", "//evil.example", "///evil.example",
        "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "/\n/evil.example", "javascript:alert(1)",
        "/x\\y", "/\x00", "/sign-in?token=x", "/auth/login?provider=x", "/oauth2callback", " //evil.example",
        "/./auth/logout", "/x/../auth/logout", "/%2e/auth/logout", "/x/%2E%2e/auth/logout", "/.//evil.example",
        "/x/..//evil.example", "/%61uth/logout", "/auth%2flogout", "/x%2f..%2fauth/logout", "/.%2e/sign-in",
        "/../../auth/logout", "/x/./../auth/./logout",
    ],
)  # fmt: skip
def test_other_places_become_the_first_page(address: str) -> None:
    assert local_path(address) == "/"


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("/", "/"),
        ("/?a=1&b=x%20y", "/?a=1&b=x%20y"),
        ("/campaigns?name=Käse", "/campaigns?name=K%C3%A4se"),
        ("/campaigns/../explore?x=../auth/logout", "/explore?x=../auth/logout"),
        ("/a/b/..", "/a/"),
        ("/a/./b/.", "/a/b/"),
        ("/..", "/"),
        ("/.well-known/...", "/.well-known/..."),
        ('/x?q="><script>', "/x?q=%22%3E%3Cscript%3E"),
    ],
)
def test_places_of_ours_stay(address: str, path: str) -> None:
    assert local_path(address) == path


@given(st.text(max_size=40))
def test_whatever_comes_is_a_path_here(address: str) -> None:
    path = local_path(address)
    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))
    assert not {".", ".."} & set(path.partition("?")[0].lower().replace("%2e", ".").split("/"))
    assert path.isascii()
    assert path.isprintable()


@pytest.mark.parametrize(
    ("headers", "same"),
    [
        ({"host": "ads.test", "origin": "https://ads.test"}, True),
        ({"host": "ads.test", "referer": "https://ads.test/sign-in"}, True),
        ({"host": "ads.test", "origin": "https://evil.test", "referer": "https://ads.test/"}, False),
        ({"host": "ads.test", "origin": "null"}, False),
        ({"host": "ads.test", "origin": "https://ads.test.evil.test"}, False),
        ({"host": "ads.test", "origin": "https://ads.test@evil.test"}, False),
        ({"host": "ads.test"}, False),
    ],
)
def test_forms_of_other_sites_are_told_apart(headers: dict[str, str], same: bool) -> None:
    assert is_same_origin(Headers(headers), "http://localhost:8501") is same


def test_the_address_that_people_type_is_ours_behind_a_proxy() -> None:
    headers = Headers({"host": "10.0.0.7:8501", "origin": "https://ads.test"})
    assert is_same_origin(headers, "https://ads.test")
    assert not is_same_origin(headers, "https://other.test")
