# SPDX-License-Identifier: GPL-3.0-or-later
"""Two directors, of which either can have the VIPs: one of them has, whatever happens to the other one.

The processor of the machines is emulated, so times are not looked at; benchmarks measure them in network namespaces.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import Outcome, execute
from lab_access import ssh_command
from lab_shell import LabShell

INVENTORY = "molecule/failover/inventory"
LAB = LabShell(INVENTORY)
on = LAB.on
LOAD = Path(__file__).parents[2] / "day2" / "load.py"
VIP, VIP6 = "192.168.91.30", "2001:db8:91::30"
ANCHOR = "169.254.51.51"
DIRECTORS = ("director", "standby")
VRRP, KEEPER = "lvs-cluster-vrrp.service", "lvs-cluster-director.service"
LONGEST = 600  # seconds that a load goes on at most
LIMIT = 60  # seconds to wait for what is to come about


def playbook(name: str, *arguments: str) -> Outcome:
    """Run a playbook of the collection on the lab."""
    return execute("ansible-playbook", f"lvs.cluster.{name}", "-i", INVENTORY, *arguments)


def well(name: str, *arguments: str) -> str:
    """Run a playbook that must end well, and return what it printed, without its line breaks."""
    run = playbook(name, *arguments)
    assert run.status == 0, run.output
    return " ".join(run.output.split())


def addresses(host: str) -> set[str]:
    """Return the addresses of a host's LAN interface."""
    return set(re.findall(r"inet6? ([0-9a-f.:]+)/", on(host, "ip -o address show dev lan0")))


def masters() -> list[str]:
    """Return the directors that have the anchor and all VIPs."""
    return [host for host in DIRECTORS if {ANCHOR, VIP, VIP6} <= addresses(host)]


def gate(host: str) -> int:
    return int(on(host, "cat /run/lvs-cluster/gate"))


def until(done: Callable[[], bool], what: str) -> None:
    """Wait until `done`, LIMIT seconds at most."""
    end = time.monotonic() + LIMIT
    while not done():
        assert time.monotonic() < end, f"{what} has not come about within {LIMIT} s"
        time.sleep(0.5)


def pair() -> tuple[str, str]:
    """Return the master and the standby, once there is one of each: the first that was ready is the master."""
    until(lambda: len(masters()) == 1, "one master")
    (master,) = masters()
    return master, other_than(master)


def other_than(director: str) -> str:
    return next(host for host in DIRECTORS if host != director)


def settled(master: str) -> None:
    """Wait until this director alone is the master, and the gates say so."""
    other = other_than(master)
    until(lambda: masters() == [master] and not {ANCHOR, VIP, VIP6} & addresses(other), f"{master} as the only master")
    until(lambda: (gate(master), gate(other)) == (0, -2), "gates of a master and a standby")
    assert LAB.who_answers("client", VIP) == {LAB.mac(master)}


@pytest.fixture(scope="module", autouse=True)
def load_script() -> None:
    on("client", "cat > /run/load.py", LOAD.read_text())


@contextmanager
def load() -> Iterator[dict]:
    """Keep requests and a connection that never ends up; afterwards the dictionary holds what came of it."""
    command = [*ssh_command("client", INVENTORY), f"python3 /run/load.py {VIP} {LONGEST} long"]
    told: dict = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            time.sleep(6)  # the connection that never ends is older than what the kernel has not sent yet
            yield told
        finally:
            told.update(json.loads(process.communicate(timeout=180)[0]))


def test_one_director_has_the_vips_and_both_have_the_table():
    settled(pair()[0])
    tables = [on(host, "ipvsadm -Sn") for host in DIRECTORS]
    assert tables[0] == tables[1]
    assert tables[0].count("-a -t") == 4
    well("verify")


def test_connections_are_known_to_the_standby():
    """By the kernel's own table of what was synchronised."""
    with load():
        connected = on(pair()[1], "sleep 5; cat /proc/net/ip_vs_conn_sync")
    assert "ESTABLISHED" in connected
    assert "SYNC" in connected


def test_a_planned_handover_keeps_connections():
    if pair()[0] == "standby":
        well("failover", "-e", "to=director")
    with load() as told:
        shown = well("failover", "-e", "to=standby")
        assert f"standby has the VIPs {VIP}, {VIP6}." in shown
        settled("standby")
        time.sleep(5)
    assert told["long"]["failures"] == []
    assert told["long"]["connections"] == 1
    # The former master does not take over again by itself.
    settled("standby")
    # What is so already needs nothing.
    again = playbook("failover", "-e", "to=standby")
    assert again.status == 0, again.output
    assert set(again.changed().values()) == {0}, again.output


def test_a_run_that_changes_nothing_touches_nothing():
    before = on("standby", f"systemctl show {VRRP} {KEEPER} --property=MainPID,ActiveEnterTimestampMonotonic")
    run = playbook("site", "--skip-tags=demo_page,verify")
    assert run.status == 0, run.output
    assert set(run.changed().values()) == {0}, run.output
    assert on("standby", f"systemctl show {VRRP} {KEEPER} --property=MainPID,ActiveEnterTimestampMonotonic") == before
    settled("standby")


def test_a_director_that_dies_is_replaced():
    """All processes of keepalived at once, which systemd starts again: that director is a standby then."""
    with load() as told:
        on("standby", f"systemctl kill --signal=KILL {VRRP}")
        until(lambda: VIP in addresses("director"), "the takeover")
        settled("director")
        time.sleep(5)
    assert told["long"]["connections"] == 1
    assert told["long"]["failures"] == []


def test_a_director_that_boots_is_a_standby_with_the_whole_table():
    table = on("director", "ipvsadm -Sn")
    boot = on("director", "cat /proc/sys/kernel/random/boot_id")
    LAB.run("director", "systemctl reboot")
    until(lambda: VIP in addresses("standby"), "the takeover")

    def is_back() -> bool:
        told = LAB.run("director", "cat /proc/sys/kernel/random/boot_id && systemctl is-system-running --wait")
        return told.returncode in (0, 1) and boot not in told.stdout and told.stdout.count("\n") == 2

    until(is_back, "the boot")
    settled("standby")
    assert on("director", "ipvsadm -Sn") == table
    well("verify")


def test_two_directors_that_do_not_hear_each_other_are_named():
    """And so is the rule, as far as one is to be seen from there: protocol 112."""
    drop = "nft add table inet cut; nft add chain inet cut in '{ type filter hook input priority -300; }'; "
    drop += "nft add rule inet cut in meta l4proto 112 drop"
    try:
        for host in DIRECTORS:
            on(host, drop)
        until(lambda: len(masters()) == 2, "two masters")
        run = playbook("verify")
        shown = " ".join(run.output.split())
        assert run.status != 0
        assert f"VIP: '{VIP}' is on 2 directors at once: director ({LAB.mac('director')}" in shown
        assert "a packet filter that drops IP protocol 112" in shown
    finally:
        for host in DIRECTORS:
            on(host, "nft delete table inet cut")
    until(lambda: len(masters()) == 1, "one master")


def test_teardown_leaves_nothing():
    well("teardown")
    for host in DIRECTORS:
        left = "ls -d /etc/lvs-cluster /run/lvs-cluster/gate* 2> /dev/null; systemctl is-active 'lvs-cluster-*'"
        assert LAB.run(host, f"{left}; ipvsadm -Sn; ipvsadm -L --daemon; pgrep keepalived").stdout == ""
        assert not {ANCHOR, VIP, VIP6} & addresses(host)
        assert on(host, "cat /proc/sys/net/ipv4/vs/sync_threshold").split() == ["3", "50"]
