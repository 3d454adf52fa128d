"""The dashboard's server around the page of clients and all that its session holds."""

from pathlib import Path

from dashboard.server import build
from lib.settings import get_settings

app = build(get_settings(), Path(__file__).with_name("probe_clients_page.py"))
"""Serves one page at every address."""
