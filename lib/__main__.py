"""The command line: ``python -m lib COMMAND``.

Exit codes: 0 done, 1 failed, 2 the words were off and nothing was done; ``refresh`` also 3 where accounts failed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import sys
from types import FrameType, ModuleType

from lib.commands import client, doctor, export, keys, launch, mirror, refresh, team, token, user, worker
from lib.errors import AppError, StoreFull, StoreUnavailable, UsageError
from lib.logs import redact, set_up_logging
from lib.settings import get_settings
from lib.store.engine import Store
from lib.store.opening import opened

COMMANDS: dict[str, ModuleType] = {
    "client": client,
    "user": user,
    "team": team,
    "token": token,
    "refresh": refresh,
    "worker": worker,
    "export": export,
    "mirror": mirror,
    "keys": keys,
}
STOPPING = (signal.SIGTERM, signal.SIGHUP)
NEARLY_NOTHING = 8 * 1024 * 1024


class Parser(argparse.ArgumentParser):
    """Says what is off in one sentence, and where the help is."""

    def error(self, message: str) -> None:  # type: ignore[override]  # argparse's never returns either
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", f"See `{self.prog} --help`.")


def parser() -> Parser:
    """The whole command line."""
    whole = Parser(prog="python -m lib", description="Ads Administrator")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    for name, module in COMMANDS.items():
        module.configure(commands.add_parser(name, help=module.HELP, description=module.HELP))
    commands.add_parser("run", help=launch.HELP, description=launch.HELP)
    commands.add_parser("doctor", help=doctor.HELP, description=doctor.HELP)
    return whole


def main(words: list[str]) -> int:
    """Run one command; its exit code."""
    try:
        args = parser().parse_args(words)
        settings = get_settings()
        set_up_logging(settings.log_level)
        for number in STOPPING:
            signal.signal(number, _stop_as_ctrl_c)
        if args.command == "run":
            return launch.serve(settings)
        if args.command == "doctor":
            return doctor.look(settings)
        with opened(settings) as url:
            return asyncio.run(_run(args, Store(url, pool_size=8)))
    except AppError as error:
        sys.stderr.write(redact(f"{_plainer(error)}\n"))
        return 2 if isinstance(error, UsageError) else 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.stderr.write("Stopped. What was stored until now is whole; the same command goes on from there.\n")
        return 128 + signal.SIGINT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _stop_as_ctrl_c(number: int, frame: FrameType | None) -> None:
    """A command that is told to end closes its run and its database first, as on Ctrl-C.

    A shell starts what is in its background with Ctrl-C switched off; that one ends all the same.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


async def _run(args: argparse.Namespace, store: Store) -> int:
    """The command as a task of its own, which a signal to end cancels where it waits.

    An exception out of a signal's handler would fall into whatever task runs just then, and that one's end is what
    the command's own closing waits for.
    """
    loop = asyncio.get_running_loop()
    command = loop.create_task(COMMANDS[args.command].run(args, store))

    def stop(number: int, frame: FrameType | None) -> None:
        if not command.cancelling():  # a second one would cut the closing short
            loop.call_soon_threadsafe(command.cancel)

    before = {number: signal.signal(number, stop) for number in STOPPING}
    try:
        code: int = await command
        return code
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        await store.dispose()


def _plainer(error: AppError) -> AppError:
    """A lost embedded database on a full disk was lost because the disk is full."""
    if not isinstance(error, StoreUnavailable):
        return error  # the settings themselves may be what is wrong
    settings = get_settings()
    here = settings.is_embedded and settings.data_path.exists()
    if here and shutil.disk_usage(settings.data_path).free < NEARLY_NOTHING:
        return StoreFull(f"The disk of the data folder {settings.data_path} is full.")
    return error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
