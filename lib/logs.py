"""Logging to stderr; whatever is a secret is cut out before it is written."""

from __future__ import annotations

import logging
import re
import sys

_SECRETS = re.compile(
    r"""((?:access_token|appsecret_proof|input_token|client_secret|id_token|refresh_token|ads_session|token|code|state|password)
        (?:_+[a-z]?\d+)*                      # the parameters of a statement are numbered
        (?:\s*=\s*|["']\s*:\s*(?=b?["'])))    # name=value, or "name": "value"
        (?:(b?(["']))(?:\\.|(?!\3)[^\\\n])+    # to the end of what is in quotes,
        |[^\s&"'<>,;]+)                       # or of the word""",
    re.VERBOSE | re.IGNORECASE,
)
_PASSWORD_HASH = re.compile(r"\$argon2[a-z]{0,2}\$[^\s'\")]*[^\s'\"),]")
_META_TOKEN = re.compile(r"\bEAA[A-Za-z0-9]{20,}")
_PERSONAL_TOKEN = re.compile(r"ads_pat_[A-Za-z0-9_-]+")
_SIGNED_TOKEN = re.compile(r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*")
_BEARER = re.compile(r"(\bbearer[\s.]+)[A-Za-z0-9._~+/=-]{20,}", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"(://[^:/@\s]*:)[^@/\s]+(?=@)")


def redact(text: str) -> str:
    """``text`` without tokens, passwords and sign-in codes."""
    text = _SECRETS.sub(r"\1\2[redacted]", text)
    for bare in (_PASSWORD_HASH, _META_TOKEN, _PERSONAL_TOKEN, _SIGNED_TOKEN):
        text = bare.sub("[redacted]", text)
    text = _BEARER.sub(r"\1[redacted]", text)
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
    for noisy in ("urllib3", "httpx", "httpcore", "watchdog", "procrastinate"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # A connection that is left in the middle of a COPY cannot be reset: the pool throws it away and makes another one.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
