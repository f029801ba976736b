# SPDX-License-Identifier: GPL-3.0-or-later
"""One run on a table that others change too, with a client that is a dictionary."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import KernelRefusal, LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._core.run import ConcurrentChange
from ansible_collections.lvs.cluster.plugins.module_utils._drain import apply as drain_apply
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import Former, Timeouts
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.operations import simulate
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import parse_service
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.plan import plan_services
from ansible_collections.lvs.cluster.plugins.module_utils._table import run as ipvs_run

WEB = {"address": "192.0.2.30", "port": 80, "scheduler": "rr"}
POOL = parse_service({**WEB, "real_servers": [{"address": "192.0.2.4"}]})


def table_of(*services):
    return simulate({}, plan_services({}, [parse_service(service) for service in services]).operations)


class Client:
    """Holds a table; each of `others` is what another program makes of it before one of our changes."""

    def __init__(self, table, *others):
        self.table, self.others = table, list(others)

    def read(self, keys):
        return {key: self.table[key] for key in keys if key in self.table}

    def timeouts(self):
        return Timeouts(900, 120, 300)

    def apply(self, operations, basis):
        if self.others:
            self.table = self.others.pop(0)
            raise ConcurrentChange("service tcp 192.0.2.30:80 was changed", operations[:0])
        self.table = simulate(self.table, operations)


@pytest.fixture
def run_on(monkeypatch):
    """Return a function that runs POOL on a client, with nothing remembered and every scheduler there."""
    monkeypatch.setattr(ipvs_run, "read_drained", dict)
    monkeypatch.setattr(ipvs_run, "check_scheduler", lambda _name: None)

    def run(client):
        request = ipvs_run.TableRequest([POOL.key], lambda seen: plan_services(seen.table, [POOL]))
        run = ipvs_run.IpvsRun(request, client)
        first = run.plan
        run.apply()
        return first, run.plan

    return run


def test_a_quiet_table(run_on):
    client = Client({})
    first, settled = run_on(client)
    assert settled == first
    assert client.table == simulate({}, first.operations) != {}


def test_another_writer(run_on):
    """What was asked comes about; the report tells what was really done, from the first state to the last."""
    client = Client({}, table_of({**WEB, "scheduler": "wlc", "persistence_timeout": 60}))
    first, settled = run_on(client)
    assert first.words == [
        "add service tcp 192.0.2.30:80 (scheduler rr)",
        "add server 192.0.2.4:80 to tcp 192.0.2.30:80 (direct, weight 1)",
    ]
    assert settled.words == [
        "change service tcp 192.0.2.30:80: scheduler wlc -> rr",
        "add server 192.0.2.4:80 to tcp 192.0.2.30:80 (direct, weight 1)",
    ]
    assert settled.before == {"services": []}
    assert settled.after["services"][0]["persistence_timeout"] == 60
    assert settled.warnings == (
        "Another program changed the IPVS table during this run (service tcp 192.0.2.30:80 was changed); it was read again, "
        "and what was asked has come about.",
    )


def test_another_writer_did_it_all(run_on):
    _, settled = run_on(Client({}, table_of({**WEB, "real_servers": [{"address": "192.0.2.4"}]})))
    assert (settled.operations, settled.changed) == ((), False)


def test_a_writer_that_never_rests(run_on, error_words):
    with pytest.raises(LvsError) as raised:
        run_on(Client({}, *({} for _ in range(9))))
    assert error_words(raised.value) == ("The IPVS table", None)
    assert raised.value.results == {"operations": []}


def test_a_refusal_tells_what_was_done(run_on):
    class Refusing(Client):
        def apply(self, operations, basis):
            error = KernelRefusal("The kernel", None, "refused", "see why", 22)
            error.results = {"operations": [operations[0].words]}
            raise error

    with pytest.raises(KernelRefusal) as raised:
        run_on(Refusing({}))
    assert raised.value.results == {"operations": ["add service tcp 192.0.2.30:80 (scheduler rr)"]}


def test_what_an_earlier_attempt_gave_a_weight_is_forgotten_too(monkeypatch, run_on):
    (place,) = ((POOL.key, server.key) for server in POOL.servers)
    table = table_of({**WEB, "real_servers": [{"address": "192.0.2.4", "weight": 5}]})
    drained = {place: Former(table[place[0]].servers[place[1]])}
    forgotten = []
    monkeypatch.setattr(ipvs_run, "read_drained", lambda: drained)
    monkeypatch.setattr(drain_apply, "update_drained", lambda change: forgotten.append(change(drained)))

    class Halfway(Client):
        def apply(self, operations, basis):
            """Do all, but say that another program stepped in at the last of the steps."""
            self.table = simulate(self.table, operations)
            raise ConcurrentChange("could not change the rest", operations)

    run_on(Halfway({}))
    assert forgotten == [{}]
