# SPDX-License-Identifier: GPL-3.0-or-later
"""What a registered result says of a host, and who may be unreachable."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reach import (
    Lost,
    finding,
    leaving,
    lost,
    lost_hosts,
    report,
    states,
)
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_topology

REFUSED = "ssh: connect to host 192.0.2.5 port 22: Connection refused"


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({}, None),
        (None, None),
        ({"skipped": True, "changed": False}, None),
        ({"facts": {}, "failed": False}, None),
        ({"unreachable": True, "msg": f"Failed to connect to the host via ssh: {REFUSED}"}, Lost(REFUSED)),
        (
            {
                "unreachable": True,
                "msg": 'Task failed: Data could not be sent to remote host "192.0.2.5". '
                f"Make sure this host can be reached over ssh:  {REFUSED}\r\n",
            },
            Lost(REFUSED),
        ),
        ({"unreachable": True}, Lost("no reason is known")),
        # Of ansible-core 2.17, of 2.18, and of newer ones
        (
            {"failed": True, "msg": "The x action failed to execute in the expected time frame (9) and was terminated"},
            None,
        ),
        ({"failed": True, "msg": "x", "timedout": {"period": 9}}, Lost("x")),
        ({"failed": True, "msg": "Task failed: Timed out after 9 seconds.", "timedout": {"period": 9}}, None),
        ({"failed": True, "msg": "No module\n  named x"}, Lost("No module named x", answered=True)),
    ],
)
def test_why_a_host_was_lost(result: Any, expected: Lost | None) -> None:
    found = lost(result)
    if expected is None and (result or {}).get("failed"):
        assert found
        assert not found.answered
        assert found.rule.startswith("could not be reached (")
    else:
        assert found == expected


def test_a_reason_is_a_sentence_and_no_traceback() -> None:
    found = lost({"failed": True, "msg": "Traceback\n" * 1000})
    assert found
    assert len(found.rule) < 400


GROUPS = {
    "directors": ["lb1", "lb2"],
    "realservers": ["rs1", "rs2", "spare"],
    "gateways": ["gw", "rs2"],
    "clients": ["c"],
}


def declared(host: str, real_servers: Any = ("rs1", "rs2"), **own: str) -> dict[str, set[str]]:
    addresses = {
        name: {"ansible_host": f"192.0.2.{number}"} for number, name in enumerate(["lb1", "lb2", "rs1", "rs2"], 1)
    }
    hostvars = {**addresses, "spare": {}, "gw": {}, "c": {}}
    hostvars[host] = {**hostvars[host], **own}
    web = {"name": "web", "address": "192.0.2.30", "ports": [80], "real_servers": [*real_servers, "192.0.2.9"]}
    return states(read_topology([web], GROUPS, hostvars), GROUPS, hostvars[host], host)


@pytest.mark.parametrize(
    ("host", "own", "how"),
    [
        ("lb1", {}, ""),
        ("lb2", {}, ""),
        ("lb2", {"director_state": "absent"}, "absent"),
        ("rs1", {}, ""),
        ("rs1", {"realserver_state": "absent"}, "absent"),
        ("rs1", {"realserver_state": "drained"}, "drained"),
        # Of each role of a host it has to be declared.
        ("rs2", {"realserver_state": "absent"}, ""),
        ("rs2", {"realserver_state": "drained", "gateway_state": "absent"}, "drained"),
        # Of no pool, and so its own variable counts.
        ("spare", {}, ""),
        ("spare", {"realserver_state": "absent"}, "absent"),
        ("gw", {}, ""),
        ("gw", {"gateway_state": "absent"}, "absent"),
        ("c", {}, ""),
    ],
)
def test_who_is_declared_to_leave(host: str, own: dict[str, str], how: str) -> None:
    assert leaving(declared(host, **own)) == how


@pytest.mark.parametrize(("one", "other", "how"), [("absent", "absent", "absent"), ("absent", "present", "")])
def test_the_state_in_a_pool_counts(one: str, other: str, how: str) -> None:
    pool = [{"host": "rs1", "state": one}, {"host": "rs2", "state": other}]
    assert leaving(declared("rs1", pool)) == one
    assert leaving(declared("rs2", pool, gateway_state="absent")) == how


@pytest.mark.parametrize(
    ("why", "own", "case"),
    [
        (Lost(REFUSED), {"realserver_state": {"present"}}, "server"),
        (Lost(REFUSED), {"director_state": {"present"}, "realserver_state": {"present"}}, "both"),
        (Lost(REFUSED), {"realserver_state": {"drained"}}, "drained"),
        (Lost(REFUSED), {}, "client"),
        (Lost("no python", answered=True), {"realserver_state": {"absent"}}, "failed"),
    ],
)
def test_sentences(why: Lost, own: dict[str, set[str]], case: str, error_words: Any) -> None:
    found = finding("rs2", why, own, "lvs.cluster.site")
    assert error_words(found.error, case) == ("rs2: host", None)


def test_a_report() -> None:
    found = lost_hosts(
        {
            "rs1": [None, {"unreachable": True, "msg": "gone"}],
            "rs2": [{"unreachable": True, "msg": "off"}],
            "lb1": [{"failed": True, "msg": "broken"}],
            "lb2": [{"facts": {}}, None],
        }
    )
    told = report(
        found,
        {
            "rs1": {"realserver_state": ["present"]},
            "rs2": {"realserver_state": ["absent"]},
            "lb1": {"director_state": ["absent"]},
        },
        "lvs.cluster.site",
    )
    assert [one.host for one in told.errors] == ["rs1", "lb1"]
    assert [one.host for one in told.warnings] == ["rs2"]
    assert told.unreachable == ("rs1", "rs2")
