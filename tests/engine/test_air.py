"""Shares of the air, on a clock that the tests hold in their hands."""

import asyncio

import anyio
import pytest

from scopeprobe.engine.air import Air


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def air_of(clock, most, groups, **more):
    air = Air(most, clock=clock, **more)
    air.groups = groups
    return air


async def entered(air, *groups):
    """The places of those that get in without waiting."""
    tasks = [asyncio.create_task(air.enter(group)) for group in groups]
    await asyncio.sleep(0)
    return {group: t.result() for group, t in zip(groups, tasks, strict=True) if t.done()}, tasks


async def test_every_group_has_a_place_whatever_the_others_hold(clock):
    air = air_of(clock, 8, 30)
    for _ in range(4):
        await entered(air, "greedy")
    places, _ = await entered(air, *range(29))
    assert len(places) == 29


async def test_groups_that_never_answered_leave_half_of_the_shared_places_to_others(clock):
    air = air_of(clock, 16, 12)
    (first,) = (await entered(air, "healthy"))[0].values()
    clock.now = 0.1
    air.leave("healthy", first)
    for _ in range(5):
        await entered(air, *(f"tarpit{n}" for n in range(11)))
    clock.now = 60.0
    places = [await entered(air, "healthy") for _ in range(5)]
    assert all(place for place, _ in places)


async def test_an_answer_after_two_seconds_makes_a_group_slow_and_a_prompt_one_mends_it(clock):
    air = air_of(clock, 4, 2)
    for took, is_slow in ((3.0, True), (0.1, False)):
        place = await air.enter("g")
        clock.now += took
        air.leave("g", place)
        assert air._is_slow("g") is is_slow  # noqa: SLF001


async def test_who_waits_is_let_in_when_a_place_is_free_and_its_own_first(clock):
    air = air_of(clock, 2, 1)
    one, other = await air.enter("g"), await air.enter("g")
    _, (third,) = await entered(air, "g")
    assert not third.done()
    air.leave("g", one)
    assert await third
    air.leave("g", other)


async def test_a_place_that_came_too_late_for_a_cancelled_wait_is_given_back(clock):
    air = air_of(clock, 2, 1)
    places = [await air.enter("g"), await air.enter("g")]
    _, (waiting,) = await entered(air, "g")
    air.leave("g", places[0])
    waiting.cancel()
    with anyio.fail_after(1):
        await air.enter("g")


async def test_no_more_are_in_the_air_than_there_is_room_for(clock):
    air = air_of(clock, 256, 900, room=500)
    places, tasks = await entered(air, *range(900))
    assert len(places) == 500
    air.leave(0, places[0])
    await asyncio.sleep(0)
    assert sum(task.done() for task in tasks) == 501
    for task in tasks:
        task.cancel()
