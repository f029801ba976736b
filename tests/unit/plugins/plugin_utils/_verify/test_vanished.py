# SPDX-License-Identifier: GPL-3.0-or-later
"""What another program undoes during or after a run is named, with the programs that may have done so."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.filter.verify import verify_checks
from verified_hosts import GROUPS, SERVICES, VIP, good_cluster, judge, table

ROUTER = {"name": "kube-router", "evidence": "a process kube-router", "sure": True, "table": True, "addresses": []}
VRRP = {"name": "keepalived", "evidence": "virtual_ipaddress in x", "sure": True, "table": False, "addresses": [VIP]}
OTHER = {**VRRP, "name": "ucarp", "addresses": ["192.0.2.99"]}


@pytest.fixture
def hosts() -> dict[str, Any]:
    """Return hostvars of a cluster that works, whose director has three other programs."""
    found = good_cluster()
    found["director"]["__verify_look"]["facts"]["managers"] = [ROUTER, VRRP, OTHER]
    return found


def without(hosts: dict[str, Any], what: str) -> None:
    """Take something away between the two looks at the director."""
    after = table(16, 26)
    if what == "service":
        after.update(services=[], counters=[])
    elif what == "server":
        after["services"][0]["real_servers"].pop()
        after["counters"][0]["real_servers"].pop()
    hosts["director"]["__verify_after"] = {**after, "addresses": [] if what == "vip" else [VIP]}


def test_nothing_is_gone(hosts: dict[str, Any]) -> None:
    without(hosts, "")
    assert judge(hosts)["errors"] == []


@pytest.mark.parametrize(
    ("what", "told", "suspect"),
    [
        ("service", f"director: service: 'tcp {VIP}:80' was there when verify began, and is gone since", "kube-router"),
        ("server", f"director: server: '192.0.2.5:80 of tcp {VIP}:80' was there when verify began", "kube-router"),
        ("vip", f"director: VIP: '{VIP}' was there when verify began, and is gone since", "keepalived"),
    ],
)
def test_what_is_gone_at_the_second_look(hosts: dict[str, Any], what: str, told: str, suspect: str) -> None:
    without(hosts, what)
    (error,) = [one for one in judge(hosts)["errors"] if "gone since" in one]
    assert error.startswith(told)
    assert f"(suspected: {suspect} by " in error
    assert "ucarp" not in error


def test_without_a_suspect_that_is_told_too(hosts: dict[str, Any]) -> None:
    hosts["director"]["__verify_look"]["facts"]["managers"] = []
    without(hosts, "service")
    assert any("stop that (no program is known)" in one for one in judge(hosts)["errors"])


def lose(hosts: dict[str, Any]) -> None:
    """The director has lost its service and its VIP before the first look."""
    look = hosts["director"]["__verify_look"]
    look["table"].update(services=[], counters=[])
    look["facts"]["interfaces"][1]["addresses"].pop()
    hosts["director"].pop("__verify_after")


def test_what_a_run_has_just_set_is_not_set_again(hosts: dict[str, Any]) -> None:
    """Before, the remedy was to run site, which had just ended."""
    lose(hosts)
    hosts["director"]["director_result"] = {"state": "present"}
    errors = judge(hosts)["errors"]
    for subject, suspect in (("VIP", "keepalived"), ("table", "kube-router")):
        found = [one for one in errors if one.startswith(f"director: {subject}")]
        assert found
        for error in found:
            told = f"find what undid it since this run configured the host, and stop that (suspected: {suspect} by "
            assert told in error
            assert "run lvs.cluster.site" not in error


@pytest.mark.parametrize("result", [None, {"state": "absent"}])
def test_otherwise_site_is_the_remedy_and_suspects_are_named(hosts: dict[str, Any], result: Any) -> None:
    lose(hosts)
    hosts["director"]["director_result"] = result
    told = "run lvs.cluster.site, which puts it right, and stop what may have undone it (suspected: kube-router by "
    found = [one for one in judge(hosts)["errors"] if one.startswith("director: table")]
    assert found
    assert all(told in one for one in found)


def test_a_rehearsal_has_configured_nothing(hosts: dict[str, Any]) -> None:
    lose(hosts)
    hosts["director"]["director_result"] = {"state": "present"}
    told = verify_checks(SERVICES, GROUPS, hosts, rehearsal=True)
    assert all("this run configured" not in one for one in told["errors"])
