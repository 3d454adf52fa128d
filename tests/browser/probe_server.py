"""The dashboard's server around the probe's page."""

from pathlib import Path

from dashboard.server import build
from lib.settings import get_settings

app = build(get_settings(), Path(__file__).with_name("probe_page.py"))
