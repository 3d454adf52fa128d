"""The search through everything that the suite wrote finds what it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib.settings import ROOT
from tests.leaks import handed_out, leaks

TOKEN = b"EAA" + b"planted0in0a0file0of0this0test"


@pytest.mark.parametrize(
    "written", [b"GET /v26.0/me?access_token=x", b'{"token": "%s"}' % TOKEN, b"\x00%s\xff" % TOKEN]
)
def test_a_file_with_a_token_is_found_and_one_without_is_not(tmp_path: Path, written: bytes) -> None:
    (tmp_path / "folder").mkdir()
    planted, clean = tmp_path / "folder" / "server.log", tmp_path / "clean.log"
    planted.write_bytes(written)
    clean.write_bytes(b"a token was stored")
    try:
        assert leaks([tmp_path], [TOKEN]) == [planted]
    finally:
        planted.unlink()  # the search at the end of the run would find it as well


def test_the_tokens_that_tests_hand_out_are_known() -> None:
    assert len(handed_out(ROOT / "tests")) >= 5
