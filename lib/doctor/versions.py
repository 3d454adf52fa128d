"""The versions of what answers come from, for whoever asks for help."""

from __future__ import annotations

import platform
import tomllib
from importlib.metadata import PackageNotFoundError, version

from lib.settings import ROOT

PACKAGES = {
    "Streamlit": "streamlit",
    "FastAPI": "fastapi",
    "SQLAlchemy": "sqlalchemy",
    "DuckDB": "duckdb",
    "Arrow": "pyarrow",
    "Meta's SDK": "facebook-business",
}


def versions() -> dict[str, str]:
    """Each part's version by the part's name, this program's first."""
    return {"Ads Administrator": _own(), "Python": platform.python_version()} | {
        name: _of(package) for name, package in PACKAGES.items()
    }


def _own() -> str:
    try:
        return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])
    except OSError:
        return "unknown"


def _of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
