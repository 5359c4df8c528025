"""What a server is called, where it is, and with whom it shares its pace."""

from settings import server_with


def test_an_address_is_told_without_its_query_which_may_hold_a_key():
    assert server_with(token_endpoint="https://a.example/t?key=x").address == "https://a.example/t"
    assert server_with(token_endpoint="https://a.example/t").address == "https://a.example/t"


def test_servers_of_one_origin_share_a_group_unless_a_name_splits_them():
    one = server_with(token_endpoint="https://a.example/1")
    other = server_with(token_endpoint="https://a.example/2", rate_group="mine")
    assert (one.group, other.group) == ("https://a.example:443", "mine")
    issued = server_with(token_endpoint="", issuer="https://b.example")
    assert issued.origin == "https://b.example:443"


def test_a_region_is_known_by_its_host_and_the_others_are_those_beside_it():
    server = server_with(region="eu.example", regions=("eu.example", "us.example"))
    assert server.other_regions == ("us.example",)
    assert server_with(regions=("eu.example", "us.example")).other_regions == ()
    assert server.region_of("https://login.us.example/t") == "us.example"
    assert server.region_of("https://us.example/t") == ""


def test_tokens_are_given_back_where_that_is_wanted_and_there_is_a_place():
    place = {"revocation_endpoint": "https://a.example/r"}
    assert server_with(revokes=True, **place).gives_tokens_back
    assert not server_with(revokes=True).gives_tokens_back
    assert not server_with(**place).gives_tokens_back
