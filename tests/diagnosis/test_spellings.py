"""Which names one scope may have been meant to be."""

import pytest

from scopeprobe.diagnosis import Case
from scopeprobe.model.scope_names import Scope


@pytest.mark.parametrize(
    ("scope", "known"),
    [
        ("orders.raed", "orders.read"),
        ("order.read", "orders.read"),
        ("orders:read", "orders.read"),
        ("Orders.Read", "orders.read"),
        ("ordersread", "orders.read"),
        ("invoices.wriet", "invoices.write"),
        ("conversations.view", "conversation.view"),
    ],
)
def test_a_slip_is_known_for_one(make_client, scope, known):
    assert spellings(make_client, scope, known) == (known,)


@pytest.mark.parametrize(
    ("scope", "known"),
    [
        ("users.read", "customers.read"),
        ("orders.read", "orders.write"),
        ("data.import", "data.export"),
        ("orders.read", "orders.read.all"),
        ("users.get", "users.set"),
        ("billing.accounts.view", "billing.amounts.view"),
    ],
)
def test_another_word_is_no_slip(make_client, scope, known):
    assert spellings(make_client, scope, known) == ()


def spellings(make_client, scope, known):
    client = make_client(scope, known)
    case = Case(client, client.targets[0], wanted=(Scope(scope),))
    return case.spellings_of(Scope(scope))
