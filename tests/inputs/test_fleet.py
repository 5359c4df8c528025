"""The digest of the inputs: what a resumed run may not have changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from clients_files import BILLING, CORP, fleet_of, with_secret

pytestmark = pytest.mark.usefixtures("_folder")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param('client_id = "billing"', 'client_id = "other"', id="client_id"),
        pytest.param('name = "billing"', 'name = "other"', id="name"),
        pytest.param("login.corp", "login2.corp", id="endpoint"),
        pytest.param('["invoices.read"]', '["invoices.write"]', id="candidates"),
        pytest.param("scopes", "basic_encoding = 'raw'\nscopes", id="encoding"),
        pytest.param("scopes", "headers = { A = 'b' }\nscopes", id="headers"),
        pytest.param("scopes", "token_params = { a = 'b' }\nscopes", id="parameters"),
        pytest.param("client_id =", "targets = [{ audience = 'x' }]\nclient_id =", id="audience"),
        pytest.param(
            "client_id =",
            "token_endpoint_auth_method = 'client_secret_post'\nclient_id =",
            id="auth method",
        ),
    ],
)
def test_whatever_decides_questions_changes_the_digest(before, after):
    text = CORP + BILLING
    assert not fleet_of(text).goes_on_from(fleet_of(text.replace(before, after, 1)).digest)


def test_neither_secrets_nor_manners_nor_order_change_the_digest():
    crm = with_secret('{ env = "CRM_SECRET" }', "crm")
    fleet = fleet_of(CORP + BILLING + crm)
    other = fleet_of(
        CORP + "rate = '1/h'\nowner = 'me'\n" + crm + BILLING,
        environment={"BILLING_SECRET": "new", "CRM_SECRET": "newer"},
    )
    assert fleet.goes_on_from(other.digest)


def test_a_selection_has_a_digest_of_its_own_and_still_knows_the_others():
    fleet = fleet_of(CORP + BILLING + with_secret('{ env = "CRM_SECRET" }', "crm"))
    some = replace(fleet, clients=fleet.clients[:1])
    assert some.known == {"billing", "crm"}
    assert some.goes_on_from(fleet_of(CORP + BILLING).digest)
