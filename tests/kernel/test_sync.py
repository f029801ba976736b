# SPDX-License-Identifier: GPL-3.0-or-later
"""Sync daemons and their sysctls on real kernels, with ipvsadm and /proc as the second opinion."""

from __future__ import annotations

import random
import re

import pytest
from ansible_collections.lvs.cluster.plugins.plugin_utils._restore.program import restore_program
from kernels import RANDOM, RESTORE, run

MEMORY = "/var/lib/lvs-cluster/sync.json"
MASTER = {"state": "master", "interface": "lan0", "sync_id": 7}
BACKUP = {**MASTER, "state": "backup"}
SYSCTLS = {"sync_threshold": [0, 0], "sync_refresh_period": 10}
KERNELS_OWN = {
    "sync_threshold": [3, 50],
    "sync_refresh_period": 0,
    "sync_retries": 0,
    "backup_only": 0,
    "sync_persist_mode": 0,
    "sloppy_tcp": 0,
}
FOREIGN = "--mcast-interface lan0 --syncid 9"
# ipvsadm writes one line for each.
LINE = re.compile(
    r"(?P<state>\w+) sync daemon \(mcast=(?P<interface>\S+), syncid=(?P<sync_id>\d+), maxlen=(?P<max_length>\d+), "
    r"group=(?P<group>\S+), port=(?P<port>\d+), ttl=(?P<ttl>\d+)\)"
)


@pytest.fixture
def host(kernel):
    """A host without sync daemons, of which nothing is remembered, before and after."""

    def clean() -> None:
        """By other tools than ours."""
        stop = "ipvsadm --stop-daemon {} 2> /dev/null || true"
        write = "echo {} > /proc/sys/net/ipv4/vs/{}"
        values = [(str(value).strip("[]").replace(",", ""), name) for name, value in KERNELS_OWN.items()]
        lines = [stop.format("master"), stop.format("backup"), *(write.format(*one) for one in values)]
        kernel.command("sh", "-ec", "; ".join([*lines, f"rm -f {MEMORY}"]))

    clean()
    yield kernel
    clean()


def daemons(kernel) -> list[dict]:
    """Return the daemons that ipvsadm tells of, in the words of our options."""
    found = [match.groupdict() for match in LINE.finditer(kernel.command("ipvsadm", "-ln", "--daemon"))]
    return [{name: int(value) if value.isdigit() else value for name, value in one.items()} for one in found]


def sysctls(kernel) -> dict:
    """Return what /proc says of the sysctls."""
    paths = [f"/proc/sys/net/ipv4/vs/{name}" for name in KERNELS_OWN]
    lines = [list(map(int, line.split())) for line in kernel.command("cat", *paths).splitlines()]
    return {name: line if len(line) > 1 else line[0] for name, line in zip(KERNELS_OWN, lines)}


def whole(**daemon) -> dict:
    """Return a daemon with all that the kernel chooses on a device with an MTU of 1500."""
    return {"max_length": 1472, "group": "224.0.0.81", "port": 8848, "ttl": 1, **daemon}


def test_both_are_there_and_go(host):
    asked = {"daemons": [MASTER, BACKUP], "sysctls": SYSCTLS}
    rehearsed = host.check("ipvs_sync", **asked)
    assert (daemons(host), sysctls(host), rehearsed["writes"]) == ([], KERNELS_OWN, 0)
    assert "sync" not in host.command("sh", "-c", "ls /var/lib/lvs-cluster || true")
    done = host.module("ipvs_sync", **asked)
    assert (done["operations"], done["diff"]) == (rehearsed["operations"], rehearsed["diff"])
    assert daemons(host) == done["daemons"] == [whole(**MASTER), whole(**BACKUP)]
    assert sysctls(host) == done["sysctls"] == {**KERNELS_OWN, **SYSCTLS}
    again = host.module("ipvs_sync", **asked)
    assert (again["operations"], again["changed"], again["writes"]) == ([], False, 0)
    assert host.module("ipvs_info")["sync_daemons"] == done["daemons"]
    assert host.module("ipvs_sync", daemons=done["daemons"], sysctls=SYSCTLS)["writes"] == 0
    gone = host.module("ipvs_sync", state="absent")
    assert (daemons(host), sysctls(host), gone["daemons"]) == ([], KERNELS_OWN, [])
    assert "sync" not in host.command("sh", "-c", "ls /var/lib/lvs-cluster || true")
    assert host.module("ipvs_sync", state="absent")["operations"] == []


def test_random_tables(host, count):
    """Each from any other; a daemon that stays is the same thread."""
    dice = random.Random(20261130)
    for number in range(RANDOM):
        wanted = [
            {
                "state": state,
                "interface": dice.choice(["lan0", "lo"]),
                "sync_id": dice.choice([1, 255]),
                "group": dice.choice(["224.0.0.81", "239.1.2.3"]),
                "port": dice.choice([8848, 65535]),
                "ttl": dice.choice([1, 255]),
                "max_length": dice.choice([1024, 65507]),
            }
            for state in dice.sample(["master", "backup"], dice.randint(0, 2))
        ]
        before = {str(one) for one in daemons(host)}
        done, again = host.batch(run("ipvs_sync", daemons=wanted), run("ipvs_sync", daemons=wanted))
        assert again["operations"] == [], number
        told = sorted(daemons(host), key=lambda one: one["state"], reverse=True)
        # Of a backup, which sends nothing, ipvsadm and the kernel tell the TTL as well.
        assert told == done["daemons"] == sorted(wanted, key=lambda one: one["state"], reverse=True), number
        kept = before & {str(one) for one in told}
        starts = sum(words.startswith("start") for words in done["operations"])
        assert starts == len(told) - len(kept), number
    count("tables of sync daemons", RANDOM)


@pytest.mark.parametrize("mtu", [576, 1500, 9000])
@pytest.mark.parametrize("group", ["224.0.0.81", "ff02::81"])
def test_the_length_that_the_kernel_chooses_is_foretold(host, mtu, group):
    """By what is foretold the daemon is started, so that ipvsadm starts another one without a word of it."""
    host.command("sh", "-ec", f"ip link add wide type dummy; ip link set wide mtu {max(mtu, 1280)} up")
    try:
        for state in ("master", "backup"):
            one = {**MASTER, "state": state, "interface": "wide", "group": group}
            ours = host.module("ipvs_sync", daemons=[one])["daemons"]
            assert daemons(host) == ours
            host.command("ipvsadm", "--stop-daemon", state)
            words = f"--mcast-interface wide --syncid 7 --mcast-group {group}"
            host.command("ipvsadm", "--start-daemon", state, *words.split())
            assert daemons(host) == ours
            host.module("ipvs_sync", daemons=[])
    finally:
        host.command("ip", "link", "del", "wide")


def test_one_that_others_started_is_theirs(host):
    host.command("ipvsadm", "--start-daemon", "backup", *FOREIGN.split())
    foreign = daemons(host)
    refused = host.module("ipvs_sync", daemons=[BACKUP])
    assert "cluster default did not start it" in refused["msg"]
    assert daemons(host) == foreign
    assert host.module("ipvs_sync", daemons=[MASTER])["daemons"] == [whole(**MASTER), *foreign]
    assert host.module("ipvs_sync", state="absent")["daemons"] == foreign
    assert host.module("ipvs_sync", daemons=[BACKUP], purge=True)["daemons"] == daemons(host) == [whole(**BACKUP)]


def test_a_daemon_that_the_kernel_refuses_leaves_the_former_one(host):
    host.module("ipvs_sync", daemons=[MASTER])
    host.command("ip", "link", "add", "down0", "type", "dummy")
    refused = host.module("ipvs_sync", daemons=[{**MASTER, "interface": "down0"}])
    host.command("ip", "link", "del", "down0")
    assert "down0 is down, or has no address" in refused["msg"]
    assert refused["operations"] == [f"note what is declared in {MEMORY}"]
    assert daemons(host) == [whole(**MASTER)]
    assert host.module("ipvs_sync", daemons=[MASTER])["daemons"] == [whole(**MASTER)]
    assert host.module("ipvs_sync", daemons=[MASTER])["operations"] == []


def test_servers_of_the_other_family_and_daemons_exclude_each_other(host):
    mixed = {"address": "2001:db8::4", "forwarding": "tunnel"}
    web = {"address": "192.0.2.30", "port": 80, "real_servers": [mixed]}
    assert "msg" not in host.module("ipvs_service", **web)
    for ask in (host.check, host.module):
        refused = ask("ipvs_sync", daemons=[MASTER])
        assert "server [2001:db8::4]:80 of service tcp 192.0.2.30:80" in refused["msg"]
    assert daemons(host) == []
    # What the module asks for itself is what the kernel does.
    with pytest.raises(pytest.fail.Exception):
        host.command("ipvsadm", "--start-daemon", "master", *FOREIGN.split())
    host.command("ipvsadm", "--clear")
    host.module("ipvs_sync", daemons=[MASTER])
    assert "a sync daemon runs on this host" in host.module("ipvs_service", **web)["msg"]


def test_another_program_is_noticed(host):
    """One starts a daemon just before we do."""
    start = f"ipvsadm --start-daemon backup {FOREIGN}"
    request = {**run("ipvs_sync", daemons=[BACKUP], purge=True), "kind": "interfered"}
    done = host.ask({**request, "interfere": {"before": "batch", "calls": [1], "commands": [start]}})
    assert "msg" not in done, done
    assert "Another program changed the sync daemons during this run" in " ".join(done["warnings"])
    assert daemons(host) == [whole(**BACKUP)]
    lost = {**run("ipvs_sync", daemons=[]), "kind": "interfered"}
    stop = "ipvsadm --stop-daemon backup"
    done = host.ask({**lost, "interfere": {"before": "batch", "calls": [1], "commands": [stop]}})
    assert ("msg" not in done, daemons(host)) == (True, [])


def test_without_permission(host):
    refused = host.ask({**run("ipvs_sync", daemons=[MASTER]), "kind": "unprivileged"})
    assert "CAP_NET_ADMIN" in refused["msg"]


def test_a_boot_brings_it_back(host):
    """And nothing else: what it finds there stays, and it writes no file."""
    state = {"owner": "default", "sync": [{"daemons": [MASTER, BACKUP], "sysctls": SYSCTLS}]}
    assert host.ask({"kind": "booted", "state": state}) == 0
    assert (daemons(host), sysctls(host)) == ([whole(**MASTER), whole(**BACKUP)], {**KERNELS_OWN, **SYSCTLS})
    assert host.ask({"kind": "booted", "state": state}) == 0
    assert "sync" not in host.command("sh", "-c", "ls /var/lib/lvs-cluster || true")
    # A newer declaration, before what it replaces was removed
    later = {"owner": "default", "sync": [{"daemons": [{**MASTER, "sync_id": 8}]}], "former": {"sync": state["sync"]}}
    assert host.ask({"kind": "booted", "state": later}) == 0
    assert [one["sync_id"] for one in daemons(host)] == [8, 7]
    foreign = {"owner": "default", "sync": [{"daemons": [{**MASTER, "sync_id": 9}]}]}
    assert host.ask({"kind": "booted", "state": foreign}) == 1


NAME, FILE = "sync", "/etc/lvs-cluster/sync.json"


@pytest.fixture
def declared(host):
    """A host on which both are declared for the boot and run."""
    host.ask({"kind": "receive", "path": RESTORE, "hex": restore_program().hex()})
    item = {"daemons": [MASTER, BACKUP], "sysctls": SYSCTLS}
    assert "msg" not in host.module("boot_restore", name=NAME, sync=[item])
    assert "msg" not in host.module("ipvs_sync", **item)
    yield host
    host.module("boot_restore", name=NAME, state="absent")


def test_the_unit_may_do_it(host):
    """In its sandbox, in the machine's own network namespace."""
    outside = ("nsenter", "--target", "1", "--net")
    host.ask({"kind": "receive", "path": RESTORE, "hex": restore_program().hex()})
    declared = host.module("boot_restore", name=NAME, sync=[{"daemons": [MASTER, BACKUP], "sysctls": SYSCTLS}])
    try:
        host.command("systemctl", "daemon-reload")
        host.command("systemctl", "start", declared["unit"])
        told = host.command(*outside, "ipvsadm", "-ln", "--daemon")
        assert [match["state"] for match in LINE.finditer(told)] == ["master", "backup"]
        value = host.command(*outside, "cat", "/proc/sys/net/ipv4/vs/sync_threshold")
        assert value.split() == ["0", "0"]
    finally:
        host.command("systemctl", "stop", declared["unit"])
        host.module("boot_restore", name=NAME, state="absent")
        ends = "ipvsadm --stop-daemon master; ipvsadm --stop-daemon backup"
        reset = "cd /proc/sys/net/ipv4/vs; echo 3 50 > sync_threshold; echo 0 > sync_refresh_period"
        host.command(*outside, "sh", "-c", f"{ends}; {reset}; systemctl daemon-reload")


def test_what_is_declared_no_longer_is_stopped_and_given_back(declared):
    less = [{"daemons": [BACKUP], "sysctls": {"sync_refresh_period": 10}}]
    gone = declared.module("boot_restore", name=NAME, former="remove", sync=less)
    assert gone["operations"] == [
        f"write {FILE}",
        "give back net.ipv4.vs.sync_threshold = 3 50 (was 0 0)",
        "stop sync daemon master on lan0 (sync ID 7, 224.0.0.81:8848, TTL 1, 1472 bytes)",
        f"note what is declared in {MEMORY}",
        f"write {FILE}",
    ]
    assert daemons(declared) == [whole(**BACKUP)]
    assert declared.module("boot_restore", name=NAME, former="remove", sync=less)["operations"] == []
    end = declared.module("boot_restore", name=NAME, former="remove", state="absent")
    assert "msg" not in end
    assert (daemons(declared), sysctls(declared)) == ([], KERNELS_OWN)
    assert "sync" not in declared.command("sh", "-c", "ls /var/lib/lvs-cluster || true")


def test_a_daemon_that_the_module_replaced_outlives_what_was_declared(declared):
    other = {"daemons": [{**MASTER, "sync_id": 8}, BACKUP], "sysctls": SYSCTLS}
    declared.module("ipvs_sync", **other)
    declared.module("boot_restore", name=NAME, former="remove", sync=[other])
    assert daemons(declared) == [whole(**{**MASTER, "sync_id": 8}), whole(**BACKUP)]
    assert declared.module("ipvs_sync", **other)["operations"] == []


def test_two_clusters_have_the_same_daemons_or_none(declared):
    item = {"daemons": [MASTER], "sysctls": {"sync_threshold": [0, 0]}}
    assert "msg" not in declared.module("ipvs_sync", owner="web", **item)
    refused = declared.module("ipvs_sync", owner="web", daemons=[{**MASTER, "port": 9000}])
    assert "cluster default (declaration sync)" in refused["msg"]
    refused = declared.module("boot_restore", name=NAME, owner="web", sync=[{"daemons": [{**MASTER, "ttl": 2}]}])
    assert "cluster default (declaration sync)" in refused["msg"]
    gone = declared.module("ipvs_sync", owner="web", state="absent")
    assert len(gone["warnings"]) == 2
    assert (daemons(declared), sysctls(declared)) == (
        [whole(**MASTER), whole(**BACKUP)],
        {**KERNELS_OWN, **SYSCTLS},
    )
