# SPDX-License-Identifier: GPL-3.0-or-later
"""vip_firewall on a real kernel: who reaches the VIP, which packets are marked, and what is left afterwards."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._firewall_run import restore_firewall
from netns_hosts import LIMIT, Namespace, Segment

VIP, VIP6 = "192.0.2.30", "2001:db8::30"
PACKAGES = Path("/usr/lib/python3/dist-packages")  # where Debian has the binding; this Python is another one
Module = Callable[..., dict[str, Any]]
DEFAULT_DROP = """
table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        iif lo accept
        meta l4proto { icmp, ipv6-icmp } accept
        ct state established,related accept
    }
}
"""
OPEN = [{"address": VIP, "port": 80}, {"address": VIP6, "port": 80}]
_SERVER = """
import socket, sys
from concurrent.futures import ThreadPoolExecutor
def serve(port):
    server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    ready.append(port)
    len(ready) == 2 and print("ready", flush=True)
    while True:
        server.accept()[0].close()
ready = []
with ThreadPoolExecutor() as pool:
    list(pool.map(serve, (80, 81)))
"""
_CLIENT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=0.7)"


@pytest.fixture(autouse=True)
def binding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have libnftables' Python binding, and nothing else of the distribution's, which has an Ansible too; or skip."""
    (tmp_path / "nftables").symlink_to(PACKAGES / "nftables")
    monkeypatch.syspath_prepend(str(tmp_path))
    pytest.importorskip("nftables", reason="python3-nftables is not installed")


@pytest.fixture
def module(tmp_path: Path) -> Module:
    """Return a function that runs vip_firewall on a host, and returns its answer."""

    def run(host: Namespace, check: bool = False, **options: Any) -> dict[str, Any]:
        answer = host.module("vip_firewall", check=check, path=tmp_path, **options)
        assert "operations" in answer, answer
        return answer

    return run


@pytest.fixture
def hosts(make_segment: Callable[[int], Segment]) -> Iterator[tuple[Namespace, Namespace]]:
    """Return a client, and a host with the VIPs that serves ports 80 and 81."""
    segment = make_segment(2)
    client, host = segment.hosts
    host.ip(f"addr add {VIP}/32 dev eth0")
    host.ip(f"addr add {VIP6}/128 dev eth0 nodad")
    with serving(host):
        yield client, host


@contextmanager
def serving(host: Namespace) -> Iterator[None]:
    with Popen(["ip", "netns", "exec", host.name, sys.executable, "-c", _SERVER], stdout=PIPE, text=True) as server:
        try:
            assert server.stdout
            assert server.stdout.readline() == "ready\n"
            yield
        finally:
            server.kill()
            server.wait(LIMIT)


def reaches(client: Namespace, address: str, port: int) -> bool:
    with Popen(
        ["ip", "netns", "exec", client.name, sys.executable, "-c", _CLIENT, address, str(port)], stderr=PIPE
    ) as tried:
        tried.communicate(timeout=LIMIT)
        return tried.returncode == 0


def load(host: Namespace, rules: str) -> None:
    host.run("sh", "-c", f"nft -f - <<'END'\n{rules}\nEND")


def listed(host: Namespace) -> Any:
    """Return the host's rules as nft(8) lists them, without the counters' values."""
    return json.loads(re.sub(r'"(packets|bytes)": \d+', r'"\1": 0', host.run("nft", "-j", "list", "ruleset")))


def test_a_host_that_drops_by_default_is_opened_and_closed_again(
    hosts: tuple[Namespace, Namespace], module: Module
) -> None:
    client, host = hosts
    load(host, DEFAULT_DROP)
    former = listed(host)
    assert not any(reaches(client, vip, 80) for vip in (VIP, VIP6))
    rehearsed = module(host, check=True, name="director", open=OPEN)
    assert listed(host) == former
    done = module(host, name="director", open=OPEN)
    words = [f"open tcp {VIP}:80 in inet filter input", f"open tcp [{VIP6}]:80 in inet filter input"]
    assert rehearsed["operations"] == done["operations"] == words
    assert rehearsed["diff"] == done["diff"]
    assert all(reaches(client, vip, 80) for vip in (VIP, VIP6))
    assert not any(reaches(client, vip, 81) for vip in (VIP, VIP6))
    assert not reaches(client, "192.0.2.2", 80)
    again = module(host, name="director", open=OPEN)
    assert (again["changed"], again["diff"]["before"]) == (False, done["diff"]["after"])
    fewer = module(host, name="director", open=OPEN[:1])
    assert fewer["operations"] == [f"close tcp [{VIP6}]:80 in inet filter input"]
    assert (reaches(client, VIP, 80), reaches(client, VIP6, 80)) == (True, False)
    module(host, name="director", state="absent")
    assert listed(host) == former
    assert not reaches(client, VIP, 80)


def test_every_chain_in_the_way_is_opened_and_no_other(hosts: tuple[Namespace, Namespace], module: Module) -> None:
    client, host = hosts
    bans = "table inet bans { set banned { type ipv4_addr; elements = { 192.0.2.99 }\n }\n"
    bans += "chain input { type filter hook input priority -1; policy accept; ip saddr @banned drop\n }\n}"
    second = "table ip strict { chain last { reject\n }\n"
    second += "chain input { type filter hook input priority 10; policy accept; tcp dport 22 accept\njump last\n }\n}"
    outward = "table ip outward { chain out { type filter hook output priority 0; policy drop;\n }\n}"
    load(host, "\n".join((DEFAULT_DROP, bans, second, outward)))
    former = listed(host)
    done = module(host, name="realserver", open=OPEN[:1])
    assert done["operations"] == [
        f"open tcp {VIP}:80 in inet filter input",
        f"open tcp {VIP}:80 in ip strict input",
        f"open tcp {VIP}:80 in ip outward out",
        f"open replies of tcp {VIP}:80 in ip outward out",
    ]
    assert reaches(client, VIP, 80)
    assert not reaches(client, VIP, 81)
    assert not module(host, name="realserver", open=OPEN[:1])["changed"]
    module(host, name="realserver", state="absent")
    assert listed(host) == former


def test_two_owners_do_not_take_from_each_other(hosts: tuple[Namespace, Namespace], module: Module) -> None:
    client, host = hosts
    load(host, DEFAULT_DROP)
    for name in ("director", "realserver"):
        assert module(host, name=name, open=OPEN[:1])["changed"]
    assert module(host, name="director", state="absent")["changed"]
    assert reaches(client, VIP, 80)
    assert not module(host, name="realserver", open=OPEN[:1])["changed"]


def test_an_opening_behind_a_rule_that_drops_goes_to_the_head_again(
    hosts: tuple[Namespace, Namespace], module: Module
) -> None:
    client, host = hosts
    load(host, DEFAULT_DROP)
    module(host, name="director", open=OPEN[:1])
    host.run("nft", "insert", "rule", "inet", "filter", "input", "tcp", "dport", "1-100", "drop")
    assert not reaches(client, VIP, 80)
    moved = module(host, name="director", open=OPEN[:1])["operations"]
    assert moved == [f"close tcp {VIP}:80 in inet filter input", f"open tcp {VIP}:80 in inet filter input"]
    assert reaches(client, VIP, 80)


def test_packets_carry_their_mark(hosts: tuple[Namespace, Namespace], module: Module) -> None:
    client, host = hosts
    counted = "".join(f"\nmeta mark {mark} tcp flags syn counter" for mark in (7, 8))
    load(host, f"table inet seen {{ chain input {{ type filter hook input priority 0; {counted}\n }}\n}}")
    marks = [{"address": VIP, "ports": [81, 80], "mark": 7}, {"address": VIP6, "mark": 8}]
    former = listed(host)
    done = module(host, name="director", marks=marks)
    assert done["operations"] == [
        "make table inet lvs-cluster-director",
        f"mark tcp {VIP}:80,81 with 7",
        f"mark tcp [{VIP6}]:* with 8",
    ]
    assert not module(host, name="director", marks=marks)["changed"]
    for address, port in ((VIP, 80), (VIP, 81), (VIP6, 80), ("192.0.2.2", 80)):
        assert reaches(client, address, port)
    packets = re.findall(r"counter packets (\d+)", host.run("nft", "list", "table", "inet", "seen"))
    assert packets == ["2", "1"]
    assert module(host, name="director", state="absent")["operations"] == ["remove table inet lvs-cluster-director"]
    assert listed(host) == former


def test_a_reload_is_mended_without_ansible(hosts: tuple[Namespace, Namespace]) -> None:
    client, host = hosts
    load(host, DEFAULT_DROP)
    item = {"name": "director", "open": OPEN, "marks": [{"address": VIP, "ports": [80], "mark": 1}]}
    with host.entered():
        first = restore_firewall([item])[0].words
    load(host, f"flush ruleset\n{DEFAULT_DROP}")
    assert not reaches(client, VIP, 80)
    with host.entered():
        assert restore_firewall([item])[0].words == first
        assert restore_firewall([item])[0].words == []
    assert reaches(client, VIP, 80)
