"""One hash for the command line and for fastapi-users."""

from __future__ import annotations

import pytest
from fastapi_users.password import PasswordHelper

from lib.access.passwords import HASHER, hash_password, nobodys_hash
from lib.errors import UsageError

ANA = "ana.miller@example.com"


def test_fastapi_users_accepts_our_hashes_and_we_its_own() -> None:
    hashed = hash_password("correct horse battery", ANA)
    assert hashed.startswith("$argon2id$")
    assert PasswordHelper().verify_and_update("correct horse battery", hashed) == (True, None)
    assert HASHER.verify_and_update("another one", PasswordHelper().hash("another one")) == (True, None)


@pytest.mark.parametrize("password", ["", "123456789", "x" * 1001])
def test_too_short_and_too_long_are_refused(password: str) -> None:
    with pytest.raises(UsageError, match="Nothing was stored"):
        hash_password(password, ANA)


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("aaaaaaaaaa", "a short pattern"),
        ("abcabcabcab", "a short pattern"),
        ("1234567890", "a short pattern"),
        ("zyxwvutsrq", "a short pattern"),
        ("ana.miller@example.com", "the address"),
        ("Ana.MillerAna.Miller", "the address"),
        ("example.com2026", "the address"),
        ("Password2026!", "the commonest"),
        ("qwertyuiop", "the commonest"),
        ("passwordpassword", "the commonest"),
    ],
)
def test_what_is_guessed_first_is_refused_in_a_sentence(password: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as refused:
        hash_password(password, ANA)
    assert "Nothing was stored" in str(refused.value)
    assert password not in str(refused.value)


@pytest.mark.parametrize("password", ["ana likes bananas", "monkeys on bicycles", "abcabcabd!", "0-1-2-3-4-5-6"])
def test_what_only_holds_some_of_it_is_taken(password: str) -> None:
    assert HASHER.verify(password, hash_password(password, ANA))
    assert HASHER.verify(password, hash_password(password, "a@b.example"))


def test_nobodys_hash_is_no_cheaper() -> None:
    assert nobodys_hash().split("$")[1:4] == hash_password("correct horse battery", ANA).split("$")[1:4]
