"""Slots of a worker: as many as it was given, handed on by those that wait, and taken back before new jobs begin."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

from lib.refresh.queue.slots import Slot, Slots

WITHIN_S = 20.0


async def is_room(slots: Slots) -> bool:
    """Whether a new job may begin at once."""
    return await slots.room(0.01)


def come_back(slot: Slot, stopping: threading.Event | None = None) -> asyncio.Task[None]:
    """A thread of the job's that wants to go on."""
    return asyncio.create_task(asyncio.to_thread(slot.come_back, stopping or threading.Event()))


async def waits(slots: Slots) -> None:
    """Somebody waits to come back: there is no room, though a slot may be free in a moment."""
    async with asyncio.timeout(WITHIN_S):
        while not slots._coming_back:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.01):
                    await asyncio.Event().wait()


async def test_there_is_room_for_as_many_as_it_was_given() -> None:
    slots = Slots(2)
    first, _ = slots.take(), slots.take()
    assert not await is_room(slots)
    first.give_up()
    assert await is_room(slots)


async def test_whoever_waits_for_room_hears_of_a_slot_that_a_thread_hands_on() -> None:
    slots = Slots(1)
    slot = slots.take()
    waiting = asyncio.create_task(slots.room(WITHIN_S))
    await asyncio.sleep(0)  # until it waits
    await asyncio.to_thread(slot.leave)
    assert await waiting
    assert slot.is_away


async def test_who_comes_back_goes_before_new_jobs() -> None:
    slots = Slots(1)
    away = slots.take()
    away.leave()
    other = slots.take()
    returning = come_back(away)
    await waits(slots)
    other.give_up()
    assert not await is_room(slots)
    await asyncio.wait_for(returning, WITHIN_S)
    assert not away.is_away
    away.give_up()
    assert await is_room(slots)


async def test_who_is_told_to_stop_waits_for_no_slot() -> None:
    slots = Slots(1)
    away, stopping = slots.take(), threading.Event()
    away.leave()
    other = slots.take()
    returning = come_back(away, stopping)
    await waits(slots)
    stopping.set()
    away.look_again()
    await asyncio.wait_for(returning, WITHIN_S)
    other.give_up()
    assert await is_room(slots)


async def test_a_job_that_ends_while_its_thread_comes_back_keeps_no_slot() -> None:
    slots = Slots(1)
    away = slots.take()
    away.leave()
    other = slots.take()
    returning = come_back(away)
    await waits(slots)
    away.give_up()
    await asyncio.wait_for(returning, WITHIN_S)
    other.give_up()
    assert await is_room(slots)
    away.leave()  # its thread goes on for a moment
    away.give_up()
    slots.take()
    assert not await is_room(slots)


async def test_who_never_left_holds_one_slot_however_often_it_comes_back() -> None:
    slots = Slots(1)
    slot = slots.take()
    await asyncio.wait_for(come_back(slot), WITHIN_S)
    slot.give_up()
    assert await is_room(slots)


async def test_closed_there_is_room_for_nobody() -> None:
    slots = Slots(1)
    waiting = asyncio.create_task(slots.room(WITHIN_S))
    assert await waiting
    slots.take()
    waiting = asyncio.create_task(slots.room(WITHIN_S))
    await asyncio.sleep(0)  # until it waits
    slots.close()
    assert not await asyncio.wait_for(waiting, 1)
