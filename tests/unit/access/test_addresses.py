"""Which spellings are one address, and which only look or fold like it."""

from __future__ import annotations

import pytest

from lib.access.addresses import address_key, is_disguised, is_same_address
from lib.access.people import checked_email
from lib.errors import UsageError

MIKA = "mika@kiste.example.com"
DISGUISES = [
    MIKA.replace("mi", "m\u0130"),
    MIKA.replace("ka@", "\u212aa@"),
    MIKA.replace("@ki", "@k\u0130"),
    MIKA.replace("@k", "@\u212a"),
    MIKA.replace("mika", "\uff4d\uff49\uff4b\uff41"),
    MIKA.replace("kiste", "\uff4b\uff49\uff53\uff54\uff45"),
    MIKA.replace("@kis", "@ki\u017f"),
    MIKA.replace("kiste.", "kiste\u3002"),
    MIKA.replace("mi", "mI\u0307"),
]


@pytest.mark.parametrize("other", DISGUISES)
def test_letters_of_other_scripts_make_another_address(other: str) -> None:
    assert not is_same_address(other, MIKA)
    assert not is_same_address(f"\u00fc{other}", f"\u00fc{MIKA}")
    for prefix in ("", "\u00fc"):
        with pytest.raises(UsageError):
            checked_email(prefix + other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (MIKA, MIKA.upper()),
        ("G\u00dcnter@example.com", "g\u00fcnter@EXAMPLE.com"),
        ("stra\u1e9ee@a.de", "stra\u00dfe@a.de"),
    ],
)
def test_the_case_makes_no_other_address(one: str, other: str) -> None:
    assert is_same_address(one, other)
    assert not is_disguised(one)


def test_what_sounds_alike_is_not_the_same() -> None:
    assert address_key("stra\u00dfe@example.com") != address_key("strasse@example.com")
    assert address_key("an\u00e1@example.com") != address_key("ana@example.com")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("gu\u0308nter@b\u00fccher.de", "g\u00fcnter@b\u00fccher.de"),
        ("ana@xn--bcher-kva.de", "ana@b\u00fccher.de"),
        ("Ana@EXAMPLE.com", "Ana@example.com"),
    ],
)
def test_one_address_is_kept_in_one_form(written: str, kept: str) -> None:
    assert checked_email(written) == kept
