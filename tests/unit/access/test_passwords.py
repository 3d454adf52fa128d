"""One hash for the command line and for fastapi-users."""

from __future__ import annotations

import pytest
from fastapi_users.password import PasswordHelper

from lib.access.passwords import HASHER, hash_password, nobodys_hash
from lib.errors import UsageError


def test_fastapi_users_accepts_our_hashes_and_we_its_own() -> None:
    hashed = hash_password("correct horse battery")
    assert hashed.startswith("$argon2id$")
    assert PasswordHelper().verify_and_update("correct horse battery", hashed) == (True, None)
    assert HASHER.verify_and_update("another one", PasswordHelper().hash("another one")) == (True, None)


@pytest.mark.parametrize("password", ["", "123456789", "x" * 1001])
def test_too_short_and_too_long_are_refused(password: str) -> None:
    with pytest.raises(UsageError, match="Nothing was stored"):
        hash_password(password)


def test_nobodys_hash_is_no_cheaper() -> None:
    assert nobodys_hash().split("$")[1:4] == hash_password("0123456789").split("$")[1:4]
