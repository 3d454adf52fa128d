"""Logging to stderr; whatever is a secret is cut out before it is written."""

from __future__ import annotations

import logging
import re
import sys

_SECRETS = re.compile(
    r"""((?:access_token|appsecret_proof|input_token|client_secret|id_token|refresh_token|token|code|state|password)
        (?:\s*=\s*["']?|["']\s*:\s*["']))     # name=value, or "name": "value"
        [^\s&"'<>,;]+""",
    re.VERBOSE | re.IGNORECASE,
)
_META_TOKEN = re.compile(r"\bEAA[A-Za-z0-9]{20,}")
_PASSWORD_IN_URL = re.compile(r"(://[^:/@\s]*:)[^@/\s]+(?=@)")


def redact(text: str) -> str:
    """``text`` without tokens, passwords and sign-in codes."""
    text = _SECRETS.sub(r"\1[redacted]", text)
    text = _META_TOKEN.sub("[redacted]", text)
    return _PASSWORD_IN_URL.sub(r"\1[redacted]", text)


class RedactingFormatter(logging.Formatter):
    """Formats a record, its exception too, and redacts the whole."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def set_up_logging(level: str) -> None:
    """Send every logger of this process through the redaction, uvicorn's and Streamlit's among them."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("urllib3", "httpx", "httpcore", "watchdog"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
