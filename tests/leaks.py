"""Searches what a whole run of the suite wrote for the Meta tokens that its tests handed out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

TOKEN = re.compile(rb"EAA[A-Za-z0-9]{12,}")
"""The shape of Meta's own tokens, which the tests' stand out by."""
IN_AN_ADDRESS = (b"access_token=", b"appsecret_proof=")


def handed_out(tests: Path) -> set[bytes]:
    """Every token that a test module names."""
    return {token for module in tests.rglob("*.py") for token in TOKEN.findall(module.read_bytes())}


def leaks(folders: Iterable[Path], secrets: Iterable[bytes]) -> list[Path]:
    """The files below these folders that hold one of the secrets, or an address of Meta's with a token in it."""
    sought = re.compile(b"|".join(map(re.escape, [*sorted(secrets), *IN_AN_ADDRESS])))
    files = (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in files if sought.search(_written(path))]


def _written(path: Path) -> bytes:
    """What is in the file; nothing where a test has closed it to everyone, or has just removed it."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
