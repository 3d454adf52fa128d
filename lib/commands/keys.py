"""``keys rotate``: what is encrypted is encrypted anew with the newest key."""

from __future__ import annotations

import argparse
import sys

from lib.settings import get_settings
from lib.store.engine import Store
from lib.store.key_rotation import rotate
from lib.store.secrets import is_given, keys_of

HELP = "the keys that encrypt Meta's tokens: rotate"
_ROTATE = (
    "Encrypt every stored token with the newest key: the first of TOKEN_KEYS, or a new one where DATA_DIR keeps the"
    " key. All tokens change or none does. With TOKEN_KEYS, give the new key to every process first."
)

_SEVERAL = "The others can be taken out; keep them beside backups of the database from before now."
_ONE = "There is one key only. To change it, put a new one in front of it in TOKEN_KEYS and run this again."


def configure(parser: argparse.ArgumentParser) -> None:
    """The words of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("rotate", help="encrypt every stored token with the newest key", description=_ROTATE)


async def run(args: argparse.Namespace, store: Store) -> int:
    """Rotate, and say how many tokens there were and what is to be done with the old keys."""
    settings = get_settings()
    count = await rotate(store, settings)
    tokens = f"{count} token" if count == 1 else f"{count} tokens"
    if not is_given(settings):
        sys.stdout.write(f"Encrypted {tokens} with a new key; the one before stays until the next time.\n")
        return 0
    sys.stdout.write(f"Encrypted {tokens} with the first key of TOKEN_KEYS.\n")
    sys.stderr.write(f"{_SEVERAL if len(keys_of(settings)) > 1 else _ONE}\n")
    return 0
