"""Which URLs are one place, and which are on this machine or in a private network."""

import pytest

from scopeprobe.model.urls import (
    authority_of,
    host_of,
    is_address,
    is_loopback,
    is_plain_http_abroad,
    is_private,
    origin_of,
)


@pytest.mark.parametrize(
    ("url", "host", "origin", "authority"),
    [
        ("https://A.example/t", "a.example", "https://a.example:443", ("a.example", None)),
        ("https://a.example:443", "a.example", "https://a.example:443", ("a.example", None)),
        ("https://a.example:80", "a.example", "https://a.example:80", ("a.example", 80)),
        ("http://a.example", "a.example", "http://a.example:80", ("a.example", None)),
        ("http://[::1]:8080/t", "::1", "http://::1:8080", ("::1", 8080)),
        ("ftp://a.example", "a.example", "ftp://a.example:0", ("a.example", None)),
        ("nothing", "", "://None:0", ("", None)),
    ],
)
def test_host_and_port_of_a_url_are_told_also_where_the_port_is_the_schemes_own(
    url, host, origin, authority
):
    assert (host_of(url), origin_of(url), authority_of(url)) == (host, origin, authority)


@pytest.mark.parametrize(
    ("url", "crosses"),
    [
        ("http://a.example/t", True),
        ("http://10.0.0.1/t", True),
        ("https://a.example/t", False),
        ("http://localhost:8080/t", False),
        ("http://127.0.0.2/t", False),
        ("http://[::1]/t", False),
    ],
)
def test_a_secret_crosses_a_network_in_the_clear_but_to_this_machine(url, crosses):
    assert is_plain_http_abroad(url) is crosses


def test_this_machine_is_known_by_its_name_and_its_addresses():
    assert [host for host in ("localhost", "127.9.9.9", "::1") if is_loopback(host)] == [
        "localhost", "127.9.9.9", "::1",
    ]  # fmt: skip
    assert not any(map(is_loopback, ("localhost.example", "10.0.0.1", "::2", "")))
    assert is_address("::1")
    assert is_address("10.0.0.1")
    assert not is_address("a.example")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("10.0.0.1", True),
        ("192.168.0.1", True),
        ("127.0.0.1", True),
        ("169.254.0.1", True),
        ("100.64.0.1", True),
        ("224.0.0.1", True),
        ("fe80::1%eth0", True),
        ("fc00::1", True),
        ("::ffff:10.0.0.1", True),
        ("2002:a00:1::", True),
        ("::1", True),
        ("8.8.8.8", False),
        ("2606:4700::1111", False),
        ("::ffff:8.8.8.8", False),
    ],
)
def test_an_address_is_private_where_it_is_no_public_one_however_it_is_written(address, told):
    assert is_private(address) is told
