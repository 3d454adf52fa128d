"""The cookies of ``st.login``, written by Streamlit and read by us."""

from __future__ import annotations

import random
import string
from typing import Any

import pytest
from streamlit.auth_util import get_cookie_with_chunks, set_cookie_with_chunks
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value, decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from lib.access.oidc_cookie import COOKIE, oidc_claims

SECRET = "a secret of forty characters, just for tests"


def written(claims: dict[str, Any], secret: str = SECRET) -> dict[str, str]:
    """The cookies as Streamlit writes them."""
    cookies: dict[str, str] = {}

    def sign(name: str, value: str) -> bytes:
        return create_signed_value(secret, name, value)

    def put(name: str, value: str) -> None:
        cookies[name] = sign(name, value).decode()

    set_cookie_with_chunks(put, sign, USER_COOKIE_NAME, claims, cookie_attr_size=80)
    return cookies


def noise(letters: int) -> str:
    """Text that cannot be made much shorter."""
    return "".join(random.Random(5).choices(string.ascii_letters, k=letters))


def read_by_streamlit(cookies: dict[str, str]) -> bytes | None:
    """What Streamlit itself reads in them."""

    def signed(name: str) -> bytes | None:
        return decode_signed_value(SECRET, name, cookies[name]) if name in cookies else None

    return get_cookie_with_chunks(signed, USER_COOKIE_NAME)


def test_the_name_is_streamlits() -> None:
    assert COOKIE == USER_COOKIE_NAME


@pytest.mark.parametrize("letters", [0, 10, 5_000, 60_000])
def test_the_claims_come_back_whole_and_split(letters: int) -> None:
    claims = {"email": "ana@example.com", "name": "Ana “Ä” 🙂", "more": noise(letters)}
    cookies = written(claims)
    assert (len(cookies) > 1) == (letters >= 5_000)
    assert oidc_claims(cookies, SECRET) == claims


def test_what_streamlit_does_not_read_is_not_read_here() -> None:
    whole, split = written({"email": "ana@example.com"}), written({"more": noise(20_000)})
    first, second = f"{COOKIE}_1", f"{COOKIE}_2"
    ill: list[dict[str, str]] = [
        {},
        {COOKIE: ""},
        {COOKIE: "a word"},
        {COOKIE: whole[COOKIE][:-2] + "xx"},
        {COOKIE: "x" + whole[COOKIE]},
        {COOKIE: whole[COOKIE].rpartition(".")[0]},
        {COOKIE: "\xff.\xfe.\xfd"},
        written({"email": "ana@example.com"}, "another secret of forty characters or so"),
        {"_streamlit_user_tokens": whole[COOKIE]},
        {COOKIE: create_signed_value(SECRET, "_streamlit_user_tokens", '{"email": "x"}').decode()},
        {name: value for name, value in split.items() if name != second},
        {**split, first: split[second]},
        {**split, first: split[first][:-2] + "xx"},
    ]
    for cookies in ill:
        assert not read_by_streamlit(cookies), cookies
        assert oidc_claims(cookies, SECRET) == {}, cookies


@pytest.mark.parametrize("said", ["[]", '"text"', "null", "{", "chunks-0", "chunks-999"])
def test_claims_are_an_object(said: str) -> None:
    assert oidc_claims({COOKIE: create_signed_value(SECRET, COOKIE, said).decode()}, SECRET) == {}


def test_without_a_secret_nothing_is_read() -> None:
    assert oidc_claims(written({"email": "x"}), "") == {}
    assert oidc_claims({COOKIE: create_signed_value("", COOKIE, '{"email": "x"}').decode()}, "") == {}
