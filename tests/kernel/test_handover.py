# SPDX-License-Identifier: GPL-3.0-or-later
"""What connection synchronisation is for, on a real kernel: two directors, two servers and a client, each a network
namespace of one machine, since IPVS has a table and daemons of its own in each.
"""

from __future__ import annotations

import time

import pytest
from kernels import run

VIP, PORT = "192.0.2.130", 80
HOSTS = {"sync-c": 140, "sync-d1": 141, "sync-d2": 142, "sync-s1": 143, "sync-s2": 144}
CLIENT, FIRST, SECOND, *SERVERS = HOSTS
DIRECTORS = [FIRST, SECOND]
MASTER = {"state": "master", "interface": "eth0", "sync_id": 7}
BACKUP = {**MASTER, "state": "backup"}
EARLY = {"sync_threshold": [0, 0], "sync_refresh_period": 10}
NUMBER = 12
SECONDS = 20  # within which an emulated machine surely answers


class Segment:
    """The hosts of one segment."""

    def __init__(self, kernel) -> None:
        self.kernel = kernel

    def on(self, host: str, script: str) -> str:
        """Run a script on a host, and return what it printed."""
        return self.kernel.command("ip", "netns", "exec", host, "sh", "-ec", script)

    def synchronise(self, host: str, daemons: list[dict], **sysctls) -> dict:
        """Run ipvs_sync on a host. The hosts share their files, so that nothing is to be remembered."""
        self.kernel.command("rm", "-f", "/var/lib/lvs-cluster/sync.json")
        request = run("ipvs_sync", daemons=daemons, sysctls={**EARLY, **sysctls}, purge=True)
        result = self.kernel.ask({**request, "kind": "within", "netns": host})
        self.kernel.command("rm", "-f", "/var/lib/lvs-cluster/sync.json")
        assert "msg" not in result, result
        return result

    def open(self, name: str, number: int = NUMBER, servers: list[str] = SERVERS, seconds: float = SECONDS) -> dict:
        """Open connections to the VIP, and return how many each server has."""
        return self.kernel.ask(
            {
                "kind": "opened",
                "name": name,
                "netns": CLIENT,
                "servers": servers,
                "address": [VIP, PORT],
                "number": number,
                "seconds": seconds,
            }
        )

    def alive(self, name: str, server_first: bool = False, seconds: float = SECONDS) -> int:
        """Return how many connections of a name carry bytes both ways."""
        return self.kernel.ask({"kind": "exchanged", "name": name, "server_first": server_first, "seconds": seconds})

    def known(self, host: str, origin: str) -> int:
        """Return how many established connections to the VIP a director knows, of an origin: LOCAL or SYNC."""
        lines = self.on(host, "cat /proc/net/ip_vs_conn_sync").splitlines()
        return sum(" ESTABLISHED " in line and line.split()[8] == origin for line in lines[1:])

    def wait_for(self, host: str, number: int, origin: str = "SYNC") -> None:
        """Wait until a director knows so many connections."""
        deadline = time.monotonic() + 60
        while self.known(host, origin) < number:
            assert time.monotonic() < deadline, self.on(host, "cat /proc/net/ip_vs_conn_sync")
            time.sleep(0.5)

    def hand_over(self, former: str, latter: str) -> None:
        """Move the VIP, and nothing else."""
        self.on(former, f"ip address del {VIP}/32 dev eth0")
        self.on(latter, f"ip address add {VIP}/32 dev eth0")
        # What gratuitous ARP does in the field
        self.on(CLIENT, "ip neighbour flush dev eth0")

    def counted(self, host: str) -> tuple[int, int]:
        """Return the connections and packets of the service on a director; the kernel adds them up every 2 s."""
        time.sleep(3)
        lines = self.on(host, "ipvsadm -Ln --stats --exact").splitlines()
        (words,) = (line.split() for line in lines if line.startswith("TCP"))
        return int(words[2]), int(words[3])


def serve(servers: list[str]) -> str:
    """Return the commands that make the virtual service with these servers."""
    each = "; ".join(f"ipvsadm -a -t {VIP}:{PORT} -r 192.0.2.{HOSTS[server]} -g" for server in servers)
    return f"ipvsadm -A -t {VIP}:{PORT} -s rr; {each}"


QUIET = "sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2"


@pytest.fixture
def segment(kernel):
    """Five hosts on a bridge; the VIP is on nobody yet."""
    lines = ["ip link add sync-br type bridge", "ip link set sync-br up"]
    for host, last in HOSTS.items():
        lines += [
            f"ip netns add {host}",
            f"ip link add {host} type veth peer name eth0 netns {host}",
            f"ip link set {host} master sync-br up",
            f"ip -n {host} link set lo up",
            f"ip -n {host} link set eth0 up",
            f"ip -n {host} address add 192.0.2.{last}/24 dev eth0",
        ]
    kernel.command("sh", "-ec", "; ".join(lines))
    yield Segment(kernel)
    kernel.ask({"kind": "closed"})
    kernel.command("sh", "-c", "; ".join([*(f"ip netns del {host}" for host in HOSTS), "ip link del sync-br"]))


@pytest.fixture
def cluster(segment):
    """Two directors with one table, of which the first has the VIP, and two servers."""
    for server in SERVERS:
        segment.on(server, f"{QUIET}; ip address add {VIP}/32 dev lo")
    for director in DIRECTORS:
        segment.on(director, serve(SERVERS))
    segment.on(FIRST, f"ip address add {VIP}/32 dev eth0")
    return segment


def test_with_both_daemons_on_both_directors_a_handover_loses_nothing(cluster, record_property):
    for director in DIRECTORS:
        cluster.synchronise(director, [MASTER, BACKUP])
    assert set(cluster.open("first").values()) == {NUMBER // 2}
    # None of them has carried a byte.
    cluster.wait_for(SECOND, NUMBER)
    cluster.hand_over(FIRST, SECOND)
    assert cluster.alive("first", server_first=True) == NUMBER
    # Those that begin here are known there, though nothing was promoted.
    assert sum(cluster.open("second").values()) == NUMBER
    cluster.wait_for(FIRST, NUMBER)
    cluster.hand_over(SECOND, FIRST)
    assert (cluster.alive("first"), cluster.alive("second")) == (NUMBER, NUMBER)
    # The kernel sends what it knows up to three seconds late; a client that sends nothing meanwhile loses nothing.
    assert sum(cluster.open("late").values()) == NUMBER
    cluster.hand_over(FIRST, SECOND)
    cluster.wait_for(SECOND, 2 * NUMBER)
    assert cluster.alive("late") == NUMBER
    assert sum(cluster.open("hasty").values()) == NUMBER
    cluster.hand_over(SECOND, FIRST)
    hasty = cluster.alive("hasty", seconds=3)
    record_property("connections of 12 that were opened and used around a handover, and went on", hasty)
    assert [cluster.alive(name) for name in ("first", "second", "late")] == [NUMBER] * 3


def test_a_hash_finds_the_servers_of_connections_that_were_not_sent_yet(cluster):
    """With sloppy_tcp and mh the second director schedules them to the same servers."""
    for director in DIRECTORS:
        cluster.synchronise(director, [MASTER, BACKUP], sloppy_tcp=1)
        cluster.on(director, f"ipvsadm -E -t {VIP}:{PORT} -s mh -b mh-port,mh-fallback")
    assert sum(cluster.open("hasty").values()) == NUMBER
    cluster.hand_over(FIRST, SECOND)
    assert cluster.alive("hasty") == NUMBER


def test_without_daemons_a_handover_breaks_all(cluster):
    """So the test above is of the daemons."""
    assert sum(cluster.open("first").values()) == NUMBER
    cluster.hand_over(FIRST, SECOND)
    assert cluster.alive("first", seconds=1) == 0


def test_with_the_kernels_threshold_no_idle_connection_is_sent(cluster):
    for director in DIRECTORS:
        cluster.synchronise(director, [MASTER, BACKUP], sync_threshold=[3, 50], sync_refresh_period=0)
    assert sum(cluster.open("first").values()) == NUMBER
    time.sleep(5)
    assert cluster.known(SECOND, "SYNC") == 0


@pytest.fixture
def boxes(segment):
    """Two directors that are each other's servers, and their own."""
    for director in DIRECTORS:
        segment.on(director, f"{QUIET}; ip address add {VIP}/32 dev lo; {serve(DIRECTORS)}")
    segment.on(FIRST, f"ip address add {VIP}/32 dev eth0")
    return segment


def test_directors_that_are_servers_pass_packets_to_and_fro(boxes, record_property):
    """Without backup_only the second one balances what the first one sent it."""
    for director in DIRECTORS:
        boxes.synchronise(director, [MASTER, BACKUP])
    served = boxes.open("loop", servers=DIRECTORS, seconds=3)
    connections, packets = boxes.counted(SECOND)
    assert connections > 0
    record_property("connections of 12 that came about with a loop", sum(served.values()))
    record_property("packets that the standby balanced in a loop", packets)
    assert sum(served.values()) < NUMBER


def test_backup_only_ends_the_loop(boxes):
    boxes.synchronise(FIRST, [MASTER], backup_only=1)
    boxes.synchronise(SECOND, [BACKUP], backup_only=1)
    assert boxes.open("first", servers=DIRECTORS) == dict.fromkeys(DIRECTORS, NUMBER // 2)
    boxes.wait_for(SECOND, NUMBER)
    assert boxes.counted(SECOND) == (0, 0)
    assert boxes.alive("first") == NUMBER
    # The daemons follow the VIP, in the order in which the kernel has a master all the time.
    boxes.hand_over(FIRST, SECOND)
    boxes.synchronise(SECOND, [MASTER], backup_only=1)
    boxes.synchronise(FIRST, [BACKUP], backup_only=1)
    assert boxes.alive("first", server_first=True) == NUMBER
    assert boxes.open("second", servers=DIRECTORS) == dict.fromkeys(DIRECTORS, NUMBER // 2)
    assert boxes.alive("second") == NUMBER
