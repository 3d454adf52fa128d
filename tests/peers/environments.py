"""Other people's connectors, each installed from PyPI into an environment of its own below `.peers/`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.fixtures_processes import ROOT

PEERS = ROOT / ".peers"
_POINTING = Path(__file__).parent / "pointing"
_METADATA = (
    "import importlib.metadata, json, sys; told = importlib.metadata.metadata(sys.argv[1]); "
    "print(json.dumps({name: told.get_all(name) for name in set(told.keys())}))"
)


@dataclass(frozen=True)
class Peer:
    """One package, pinned by version and hash. `says` are parts of its metadata that tell that it is the one meant."""

    package: str
    version: str
    sha256: str
    command: str
    says: tuple[tuple[str, str], ...]

    @property
    def folder(self) -> Path:
        """Its environment."""
        return PEERS / self.package

    def install(self) -> None:
        """Make the environment, unless it is there; its AssertionError holds what pip said."""
        stamp = self.folder / ".installed"
        if stamp.exists() and stamp.read_text() == self.version:
            return
        _run([sys.executable, "-m", "venv", "--clear", str(self.folder)])
        pin = self.folder / "pin.txt"
        pin.write_text(f"{self.package}=={self.version} --hash=sha256:{self.sha256}\n")
        pip = [str(self.folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--no-deps", "--require-hashes", "-r", str(pin)])
        _run([*pip, f"{self.package}=={self.version}"])
        stamp.write_text(self.version)

    def metadata(self) -> dict[str, list[str]]:
        """What the installed package says of itself."""
        found: dict[str, list[str]] = json.loads(
            _run([str(self.folder / "bin" / "python"), "-c", _METADATA, self.package])
        )
        return found

    def run(self, graph: str, *words: str) -> str:
        """What the peer writes to its standard output when it speaks to the Marketing API at `graph`."""
        environment = {**os.environ, "PYTHONPATH": str(_POINTING), "SANDBOX_GRAPH": graph}
        return _run([str(self.folder / "bin" / self.command), *words], environment)


def _run(command: list[str], environment: dict[str, str] | None = None) -> str:
    ended = subprocess.run(command, env=environment, cwd=PEERS.parent, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{' '.join(command[:6])} ended with {ended.returncode}:\n{ended.stderr[-3000:]}"
    return ended.stdout


def messages(output: str, kind: str) -> list[dict[str, Any]]:
    """The messages of one kind among JSON lines; numbers keep their digits."""
    found = (json.loads(line, parse_float=Decimal) for line in output.splitlines() if line.startswith("{"))
    return [one for one in found if one.get("type") == kind]


AIRBYTE = Peer(
    "airbyte-source-facebook-marketing",
    "6.1.9",
    "11e3efd670e396de4c68757c047eb89090c720a3e12507421cdd11177dee9e09",
    "source-facebook-marketing",
    (("Home-Page", "https://airbyte.com"), ("Project-Url", "https://github.com/airbytehq/airbyte")),
)
TAP = Peer(
    "tap-facebook",
    "1.26.0",
    "e9ae085f1b8352854a8baef07c3b7dcefab6418a26322d2524bb95262d2cded9",
    "tap-facebook",
    (("Home-Page", "https://singer.io"), ("Author", "Stitch")),
)
