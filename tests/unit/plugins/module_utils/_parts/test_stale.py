# SPDX-License-Identifier: GPL-3.0-or-later
"""What a declaration has no more: found in the file of the run before, and in nothing else."""

from __future__ import annotations

import json

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._parts.declaration import declare
from ansible_collections.lvs.cluster.plugins.module_utils._parts.stale import find_stale
from ansible_collections.lvs.cluster.plugins.module_utils._restore.plan import wanted_files
from hypothesis import given
from hypothesis import strategies as st

LAN = {"interface": "lan0", "addresses": ["192.0.2.30", "192.0.2.31/32"]}
DUMMY = {"interface": "dummy0", "kind": "dummy", "addresses": ["2001:db8::30"]}
WEB = {"address": "192.0.2.30", "port": 80, "real_servers": [{"address": "192.0.2.4"}]}
MARK = {"fwmark": 7, "address_family": "ipv6"}
BOUND = {"interface": "lan0", "neighbors": [{"address": "192.0.2.30", "mac": "52:54:00:00:00:03"}]}
QUIET = {"name": "x", "addresses": ["192.0.2.30"], "source_address": "192.0.2.4"}
ABSENT = {"state": "absent"}
MASTER = {"state": "master", "interface": "lan0", "sync_id": 7}
WHOLE = {**MASTER, "group": "224.0.0.81", "port": 8848, "ttl": 1}
BACKUP = {**MASTER, "state": "backup"}
EARLY = {"sync_threshold": [0, 0], "sync_retries": 3}


def file_of(former_parts=(), **declared) -> bytes:
    """Return the file that a run with these options leaves."""
    files = wanted_files(declare({"name": "x", **declared}), "python3", b"", dict(former_parts))
    return next(file.data for file in files if file.path.endswith(".json"))


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({"vips": [LAN], "services": [WEB]}, {"vips": [LAN], "services": [WEB]}, {}),
        ({"vips": [LAN]}, {"vips": [{"interface": "lan0", "addresses": ["192.0.2.31"]}]},
         {"vips": [{"interface": "lan0", "addresses": ["192.0.2.30"], **ABSENT}]}),
        # The same address on another device is another place.
        ({"vips": [{"interface": "lan0", "addresses": ["192.0.2.30"]}]}, {"vips": [{"interface": "lan1", "addresses": ["192.0.2.30"]}]},
         {"vips": [{"interface": "lan0", "addresses": ["192.0.2.30"], **ABSENT}]}),
        ({"vips": [DUMMY]}, {}, {"vips": [{"interface": "dummy0", "addresses": ["2001:db8::30"], "kind": "dummy", **ABSENT}]}),
        # However it is written
        ({"vips": [DUMMY]}, {"vips": [{**DUMMY, "addresses": ["2001:DB8:0::30/128"]}]}, {}),
        ({"services": [WEB, MARK]}, {"services": [{**WEB, "scheduler": "rr", "real_servers": []}]},
         {"services": [{"fwmark": 7, "address_family": "ipv6", **ABSENT}]}),
        ({"services": [WEB]}, {}, {"services": [{"address": "192.0.2.30", "port": 80, "protocol": "tcp", **ABSENT}]}),
        ({"neighbors": [BOUND]}, {}, {"neighbors": [{"interface": "lan0", "neighbors": [{"address": "192.0.2.30"}], **ABSENT}]}),
        ({"arp_filters": [QUIET]}, {"arp_filters": [{**QUIET, "addresses": ["192.0.2.31"]}]}, {}),
        ({"arp_filters": [QUIET]}, {}, {"arp_filters": [{"name": "x", **ABSENT}]}),
        ({"sync": [{"daemons": [MASTER], "sysctls": EARLY}]}, {}, {"sync": [{"daemons": [WHOLE], "sysctls": EARLY, **ABSENT}]}),
        ({"sync": [{"daemons": [MASTER]}]}, {"sync": [{"daemons": [{**WHOLE, "max_length": 99}]}]}, {}),
        ({"sync": [{"daemons": [MASTER, BACKUP]}]}, {"sync": [{"daemons": [BACKUP, {**MASTER, "ttl": 2}]}]},
         {"sync": [{"daemons": [WHOLE], **ABSENT}]}),
        ({"sync": [{"sysctls": EARLY}]}, {"sync": [{"sysctls": {"sync_threshold": [3, 50]}}]},
         {"sync": [{"sysctls": {"sync_retries": 3}, **ABSENT}]}),
        ({"neighbors": [BOUND]}, {"neighbors": [{**BOUND, "neighbors": [{"address": "192.0.2.30", "mac": "52:54:00:00:00:04"}]}]}, {}),
    ],
)  # fmt: skip
def test_find_stale(before, now, expected):
    assert find_stale(file_of(**before), declare({"name": "x", **now})) == expected


@pytest.mark.parametrize(
    "content", [None, b"", b"{", b"[]", b"7", b'{"vips": 7}', b'{"vips": [{"interface": 3}]}', b"\xff"]
)
def test_a_file_that_is_not_ours_declares_nothing(content):
    assert find_stale(content, declare({"name": "x", "vips": [LAN]})) == {}


def test_sync_daemons_have_an_owner():
    before = file_of(sync=[{"daemons": [MASTER]}], owner="web")
    (gone,) = find_stale(before, declare({"name": "x", "owner": "web"}))["sync"]
    assert gone == {"daemons": [WHOLE], "owner": "web", **ABSENT}


VIPS = st.lists(
    st.builds(
        lambda device, last: {"interface": device, "addresses": sorted({f"192.0.2.{one}" for one in last})},
        st.sampled_from(["lan0", "lan1", "lo"]),
        st.lists(st.integers(1, 9), min_size=1, max_size=4),
    ),
    max_size=3,
)
SYNC = st.lists(
    st.builds(
        lambda state, number: {**MASTER, "state": state, "sync_id": number},
        st.sampled_from(["master", "backup"]),
        st.integers(1, 3),
    ),
    max_size=2,
    unique_by=lambda daemon: daemon["state"],
).map(lambda daemons: [{"daemons": daemons}] if daemons else [])
SERVICES = st.lists(st.integers(1, 9), max_size=4, unique=True).map(
    lambda ports: [{"address": "192.0.2.30", "port": port} for port in ports]
)


def places(declared) -> set[tuple]:
    vips = {(item["interface"], address) for item in declared.get("vips", ()) for address in item["addresses"]}
    vips |= {(one["state"], one["sync_id"]) for item in declared.get("sync", ()) for one in item["daemons"]}
    return vips | {(service["address"], service["port"]) for service in declared.get("services", ())}


@given(st.lists(st.fixed_dictionaries({"vips": VIPS, "services": SERVICES, "sync": SYNC}), min_size=1, max_size=5))
def test_nothing_that_was_ever_declared_is_forgotten_and_nothing_declared_is_find_stale(runs):
    """However many runs keep what is former: the last one still knows all, each once."""
    content, ever = None, set()
    for run in runs:
        found = find_stale(content, declare({"name": "x", **run}))
        assert places(found) == ever - places(run)
        listed = [(item["interface"], one) for item in found.get("vips", ()) for one in item["addresses"]]
        assert len(listed) == len(set(listed))
        content = file_of(found, **run)
        assert find_stale(content, declare({"name": "x", **run})) == found  # a second run changes nothing
        assert json.loads(content).get("former", {}) == found
        ever |= places(run)
