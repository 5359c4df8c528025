"""An audit on a cluster."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from scopeprobe.audits.audit import Result, audit
from scopeprobe.audits.order import Audit
from scopeprobe.cluster.connect import connected
from scopeprobe.cluster.task import refuse_secrets


async def audit_on(cluster: str, order: Audit) -> Result:
    """
    Find out what `audit` does, asked by the workers of a cluster.

    :param cluster: the address of a scheduler, a scheduler file, or `local:N`.
    :raises InputError: also where there is no such cluster, or a secret would have to be sent.
    """
    refuse_secrets(order.fleet)
    servers = {client.server for client in order.fleet.clients}
    networks = {server.connection.network for server in servers} - {""}
    async with connected(cluster, networks) as client:
        from scopeprobe.cluster.cluster_rounds import ClusterRounds  # noqa: PLC0415 - an extra

        rounds = partial(ClusterRounds, client=client, fleet=order.fleet)
        return await audit(replace(order, rounds=rounds))
