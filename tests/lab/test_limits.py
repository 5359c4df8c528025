"""Throttles and locks of the lab."""

from __future__ import annotations

from lab_endpoints import DISGUISED, Clock, at, facts, make_server


async def test_a_throttle_lets_its_requests_through_and_then_says_when_to_come_back():
    clock = Clock()
    override = {"throttle": {"requests": 2, "seconds": 30}}
    async with at(make_server("throttling", override, clock=clock)) as endpoint:
        assert [await endpoint.status() for _ in range(3)] == [200, 200, 429]
        clock.now += 9.5
        status, headers, body = await endpoint.ask()
        assert (status, headers["Retry-After"]) == (429, "21")
        assert body["error"] == "too_many_requests"
        clock.now += 20.5
        assert [await endpoint.status() for _ in range(3)] == [200, 200, 429]


async def test_a_throttle_may_count_every_client_by_itself():
    override = {"throttle": {"requests": 1, "seconds": 30, "per": "client"}}
    async with at(make_server("throttling", override, clock=Clock())) as endpoint:
        assert await endpoint.status() == 200
        assert await endpoint.status(client_id="other", secret="else") == 200
        assert await endpoint.status() == 429


async def test_five_failures_in_a_row_lock_a_client_for_good_and_no_other():
    async with at(make_server("locking")) as endpoint:
        assert [await endpoint.status(secret="guess") for _ in range(5)] == [401] * 5
        assert facts(await endpoint.ask()) == DISGUISED
        assert facts(await endpoint.ask()) == DISGUISED
        assert await endpoint.status(client_id="other", secret="else") == 200


async def test_a_success_forgives_the_failures_before_it():
    async with at(make_server("locking")) as endpoint:
        for _ in range(2):
            assert [await endpoint.status(secret="guess") for _ in range(4)] == [401] * 4
            assert await endpoint.status() == 200
