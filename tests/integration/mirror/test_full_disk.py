"""A disk that is full: PostgreSQL answers, the status says why in a sentence, and with room the mirror is back."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from pathlib import Path

import pytest

from lib.insights.mirror import Mirror
from lib.insights.mirror.errors import MirrorFull
from lib.store.engine import Store
from tests.fixtures_database import Database
from tests.integration.mirror.disks import largest_file, mounted
from tests.integration.mirror.holding import Holder, told
from tests.serving import arrives

LITTLE = 2048
SENTENCE = "Answers come from PostgreSQL until there is room: free some space on that disk."


async def test_it_fills_while_the_mirror_is_built(kept: Mirror, store: Store) -> None:
    with largest_file(300_000):
        await kept.start()
        await arrives(lambda: kept.status().reason.startswith("The mirror could not be written"), "it says why")
        assert kept.status().reason == f"The mirror could not be written: its disk is full. {SENTENCE}"
        assert not kept.status().stands
        assert kept.engine() is None
        assert (await told(kept, store)).engine == "postgres"
    await arrives(kept.engine, "the mirror stands once there is room", within_s=60)
    assert kept.status().reason == ""
    assert (await told(kept, store)).engine == "mirror"


async def test_it_fills_while_the_mirror_catches_up(kept: Mirror, store: Store, database_of_worker: Database) -> None:
    await kept.start()
    await arrives(kept.engine, "the mirror stands")
    before = await told(kept, store)
    with largest_file(LITTLE):
        await asyncio.to_thread(
            database_of_worker.owner,
            "WITH changed AS (UPDATE insight SET spend_micros = spend_micros + 1000000 RETURNING account_id)"
            " UPDATE slice SET version = nextval('slice_version')",
        )
        await arrives(lambda: "its disk is full" in kept.status().reason, "it says why")
        after = await told(kept, store)
        assert after.engine == "postgres"
        assert after.rows != before.rows
    await arrives(kept.engine, "the mirror stands once there is room", within_s=60)
    assert (await told(kept, store)).rows == after.rows


def test_the_file_of_before_is_whole_after_a_disk_that_was_full(world_in: Holder, path: Path) -> None:
    mirror = world_in.opened(path)
    world_in.database.owner("UPDATE campaign SET name = repeat('long ', 2000) WHERE account_id < 104")
    with largest_file(LITTLE), pytest.raises(MirrorFull):
        world_in.run(mirror.catch_up())
    assert world_in.asked(mirror).engine == "postgres"
    assert mirror.status().build_seconds is not None
    world_in.close()
    reopened = world_in.opened(path)
    assert reopened.status().build_seconds is None, "it was not built again"
    world_in.check(reopened)


def test_a_rebuild_on_a_full_disk_leaves_the_mirror_that_stands(world_in: Holder, path: Path) -> None:
    mirror = world_in.opened(path)
    with largest_file(300_000), pytest.raises(MirrorFull):
        world_in.run(mirror.rebuild())
    assert world_in.asked(mirror).engine == "mirror"
    assert not path.with_suffix(".new").exists()
    world_in.catch_up(mirror)


def test_a_disk_that_is_too_small_is_not_even_begun_with(world_in: Holder, path: Path) -> None:
    mirror = world_in.unopened(path)
    world_in.database.owner("UPDATE slice SET rows = 1000000000")
    with pytest.raises(MirrorFull, match=r"its disk has \d+ MB free and it needs \d+ MB"):
        world_in.run(mirror.catch_up())
    assert world_in.asked(mirror).engine == "postgres"
    world_in.database.owner("UPDATE slice SET rows = 1")
    world_in.catch_up(mirror)


def fill(path: Path) -> None:
    """Take all the room that there is on this disk."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while file.write(b"\x00" * 65536):
            pass
    assert shutil.disk_usage(path.parent).free < 65536


def test_a_disk_of_its_own_that_fills(world_in: Holder, path: Path) -> None:
    path.parent.mkdir()
    with mounted(path.parent, "size=80m"):
        mirror = world_in.opened(path)
        filler = path.with_name("filler")
        fill(filler)
        world_in.database.owner("UPDATE campaign SET name = repeat('long ', 50000) WHERE account_id < 104")
        with pytest.raises(MirrorFull, match="its disk is full"):
            world_in.run(mirror.catch_up())
        assert world_in.asked(mirror).engine == "postgres"
        filler.unlink()
        world_in.catch_up(mirror)
        assert world_in.asked(mirror).engine == "mirror"
        world_in.close()
