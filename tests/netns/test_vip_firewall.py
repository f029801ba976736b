# SPDX-License-Identifier: GPL-3.0-or-later
"""vip_firewall on a real kernel: who reaches the VIP, which packets are marked, and what is left afterwards."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._nftables.monitor import generation
from ansible_collections.lvs.cluster.plugins.module_utils._parts.handlers import restore
from netns_firewall import DEFAULT_DROP, OPEN, VIP, VIP6, Module, count_fins, fins, listed, load, reaches, stray_fin
from netns_hosts import Namespace
from netns_keeper import Keeper


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


def test_an_opening_makes_way_for_rules_that_came_later(hosts: tuple[Namespace, Namespace], module: Module) -> None:
    client, host = hosts
    load(host, DEFAULT_DROP)
    module(host, name="director", open=OPEN[:1])
    closed, opened = (f"{verb} tcp {VIP}:80 in inet filter input" for verb in ("close", "open"))
    # The client is banned, behind the opening: it goes behind the ban.
    host.run("nft", "add", "rule", "inet", "filter", "input", "ip", "saddr", "192.0.2.1", "drop")
    assert reaches(client, VIP, 80)
    assert module(host, name="director", open=OPEN[:1])["operations"] == [closed, opened]
    assert not reaches(client, VIP, 80)
    assert not module(host, name="director", open=OPEN[:1])["changed"]
    # The port is closed to everybody: nothing is opened.
    host.run("nft", "insert", "rule", "inet", "filter", "input", "tcp", "dport", "1-100", "drop")
    done = module(host, name="director", open=OPEN[:1])
    assert done["operations"] == [closed]
    assert [one["rule"] for one in done["left_to_administrator"]] == ["tcp dport 1-100 drop"]
    assert not module(host, name="director", open=OPEN[:1])["changed"]


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


@pytest.mark.usefixtures("nftables_binding")
def test_a_reload_is_mended_without_ansible(hosts: tuple[Namespace, Namespace]) -> None:
    client, host = hosts
    load(host, DEFAULT_DROP)
    item = {"name": "director", "open": OPEN, "marks": [{"address": VIP, "ports": [80], "mark": 1}]}
    with host.entered():
        first = next(restore("firewall", {"firewall": [item]})).words
    load(host, f"flush ruleset\n{DEFAULT_DROP}")
    assert not reaches(client, VIP, 80)
    with host.entered():
        assert next(restore("firewall", {"firewall": [item]})).words == first
        assert next(restore("firewall", {"firewall": [item]})).words == []
    assert reaches(client, VIP, 80)


def test_a_fin_that_belongs_to_nothing_passes_where_it_is_asked_for(
    hosts: tuple[Namespace, Namespace], module: Module
) -> None:
    """The filter itself accepts the port, and drops what is invalid before that."""
    client, host = hosts
    load(host, DEFAULT_DROP.replace("iif lo accept", "ct state invalid drop\n tcp dport 80 accept"))
    count_fins(host)
    assert not module(host, name="director", open=OPEN[:1])["changed"]
    stray_fin(client, VIP, 80)
    assert fins(host) == 0
    done = module(host, name="director", open=OPEN[:1], untracked=True)
    errors = f"icmp destination-unreachable to {VIP}"
    assert done["operations"] == [f"open {one} in inet filter input" for one in (f"tcp {VIP}:80", errors)]
    assert not module(host, name="director", open=OPEN[:1], untracked=True)["changed"]
    stray_fin(client, VIP, 80)
    stray_fin(client, VIP, 81)
    assert fins(host) == 1


@pytest.fixture
def keeper(tmp_path: Path, hosts: tuple[Namespace, Namespace]) -> Iterator[Keeper]:
    keeper = Keeper(tmp_path, hosts[1])
    yield keeper
    keeper.close()


def test_rules_that_vanish_come_back(
    keeper: Keeper, hosts: tuple[Namespace, Namespace], nftables_binding: Path
) -> None:
    client, host = hosts
    marks = [{"address": VIP, "ports": [80], "mark": 1}]
    keeper.declare(firewall=[{"name": "director", "open": OPEN[:1], "marks": marks}])
    keeper.start(nftables_binding)
    # A filter that comes late, one that is loaded anew, and somebody who takes all away.
    for rules in (DEFAULT_DROP, f"flush ruleset\n{DEFAULT_DROP}"):
        load(host, rules)
        keeper.awake_until(lambda: reaches(client, VIP, 80) and b"--watch" in keeper.command_line())
        assert not reaches(client, VIP, 81)
        assert "lvs-cluster-director" in host.run("nft", "list", "tables")
    host.run("nft", "flush", "ruleset")
    keeper.awake_until(lambda: "lvs-cluster-director" in host.run("nft", "list", "tables"))
    opened = f"open tcp {VIP}:80 in inet filter input"
    assert [line for line in keeper.log() if line.startswith("open")] == [opened, opened]


def test_it_sleeps_over_what_others_do_with_sets_and_holds_no_library(
    keeper: Keeper, hosts: tuple[Namespace, Namespace], nftables_binding: Path
) -> None:
    host = hosts[1]
    load(host, f"{DEFAULT_DROP}\ntable inet bans {{ set banned {{ type ipv4_addr\n }}\n}}")
    keeper.declare(firewall=[{"name": "director", "open": OPEN[:1]}])
    keeper.start(nftables_binding)
    with host.entered():
        seen = str(generation()).encode()
    # It looks once more, since it has changed the rules itself.
    keeper.awake_until(lambda: keeper.command_line().split(b"\0")[-4:-2] == [b"--watch", seen])
    time.sleep(3)  # it starts with that command line, and opens its sockets
    assert "nftables" not in Path(f"/proc/{keeper.process.pid}/maps").read_text()
    before = keeper.command_line()
    host.run("nft", "add", "element", "inet", "bans", "banned", "{ 192.0.2.99 }")
    time.sleep(3)
    assert keeper.command_line() == before


def test_without_the_library_all_is_taken_away(
    hosts: tuple[Namespace, Namespace], module: Module, tmp_path: Path
) -> None:
    client, host = hosts
    strict = "table ip6 strict { chain last { type filter hook input priority 10; policy drop;\n meta l4proto ipv6-icmp accept\n }\n}"
    load(host, f"{DEFAULT_DROP}\n{strict}")
    former = listed(host)
    marks = [{"address": VIP, "ports": [80], "mark": 1}]
    module(host, name="director", open=OPEN, marks=marks)
    with_all = listed(host)
    module(host, name="other", open=OPEN[:1])
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "nftables.py").write_text("raise ImportError")
    without = {"path": tmp_path / "without", "name": "director"}
    assert "python3-nftables" in host.module("vip_firewall", **without, open=OPEN)["msg"]
    rehearsed = host.module("vip_firewall", check=True, **without, state="absent")
    assert reaches(client, VIP6, 80)
    gone = host.module("vip_firewall", **without, state="absent")
    closed = [f"close a rule in {chain}" for chain in ("inet filter input", "inet filter input", "ip6 strict last")]
    assert gone["operations"] == rehearsed["operations"] == [*closed, "remove table inet lvs-cluster-director"]
    assert not reaches(client, VIP6, 80)
    assert reaches(client, VIP, 80), "another owner's"
    assert host.module("vip_firewall", **without, state="absent")["operations"] == []
    host.module("vip_firewall", **{**without, "name": "other"}, state="absent")
    assert listed(host) == former != with_all


def test_without_the_library_and_without_rules_there_is_nothing_to_tell(namespace: Namespace, tmp_path: Path) -> None:
    (tmp_path / "nftables.py").write_text("raise ImportError")
    gone = namespace.module("vip_firewall", path=tmp_path, name="realserver", state="absent")
    assert (gone["changed"], gone.get("warnings", [])) == (False, [])


def test_without_the_library_and_without_permission_it_fails(
    hosts: tuple[Namespace, Namespace], tmp_path: Path
) -> None:
    (tmp_path / "nftables.py").write_text("raise ImportError")
    answer = hosts[1].module("vip_firewall", path=tmp_path, lacking=("net_admin",), name="realserver", state="absent")
    assert answer["msg"] == (
        "The task is not allowed to list the rules of nftables: this needs CAP_NET_ADMIN; run the task as root (become: true)."
    )


INSIDE = "192.0.2.99"  # another address of the client, which the administrator admits or bans
C4 = DEFAULT_DROP.replace("iif lo accept", f"iif lo accept\n ip saddr {INSIDE}/28 ip daddr {VIP} tcp dport 80 accept")


@pytest.mark.parametrize(
    ("rules", "admitted"),
    [
        pytest.param(C4, True, id="some clients"),
        pytest.param(DEFAULT_DROP.replace("iif lo accept", "iif lo accept\n tcp dport 80 drop"), False, id="nobody"),
        pytest.param(
            DEFAULT_DROP.replace(
                "chain input", f"chain web {{ ip saddr {INSIDE} accept\n drop\n }}\n chain input"
            ).replace("iif lo accept", "iif lo accept\n tcp dport vmap { 80 : jump web, 443 : accept }"),
            True,
            id="by a map",
        ),
        pytest.param(
            DEFAULT_DROP.replace(
                "chain input",
                f"set web {{ type ipv4_addr . inet_service; elements = {{ {INSIDE} . 80 }}\n }}\n chain input",
            ).replace("iif lo accept", "iif lo accept\n ip saddr . tcp dport @web accept"),
            True,
            id="by a set",
        ),
    ],
)
def test_what_the_administrator_decides_stands(
    hosts: tuple[Namespace, Namespace], module: Module, rules: str, admitted: bool
) -> None:
    client, host = hosts
    client.ip(f"addr add {INSIDE}/24 dev eth0")
    load(host, rules)
    former = listed(host)
    for untracked in (False, True):
        done = module(host, name="director", open=OPEN[:1], untracked=untracked)
        assert not any("tcp" in line for line in done["operations"])
        assert (reaches(client, VIP, 80), reaches(client, VIP, 80, INSIDE)) == (False, admitted)
        assert done["left_to_administrator"][0]["chain"].startswith("inet filter")
        assert done["warnings"]
    # Clients that are declared get in beside those of the administrator, unless the port is closed to them.
    declared = [{**OPEN[0], "source": source} for source in ("192.0.2.0/28", INSIDE)]
    closed = not admitted or "jump web" in rules
    module(host, name="director", open=declared)
    assert (reaches(client, VIP, 80), reaches(client, VIP, 80, INSIDE)) == (not closed, admitted)
    assert not module(host, name="director", open=declared)["changed"]
    module(host, name="director", state="absent")
    assert listed(host) == former


def test_networks_and_ranges_are_the_same_in_the_second_run(hosts: tuple[Namespace, Namespace], module: Module) -> None:
    client, host = hosts
    client.ip(f"addr add {INSIDE}/24 dev eth0")
    load(host, DEFAULT_DROP)
    wanted = [
        {"address": VIP, "port": "80-81", "source": "192.0.2.0/28"},
        {"address": VIP, "port": 443, "source": "198.51.100.0/24"},
        {"address": VIP6, "port": "80-90", "source": "2001:db8::/64"},
    ]
    marks = [{"address": VIP, "ports": [21, "40000-40100", "22", "50000-50100"], "mark": 21}]
    done = module(host, name="director", open=wanted, marks=marks)
    assert f"open tcp {VIP}:80-81 from 192.0.2.0/28 in inet filter input" in done["operations"]
    words = [f"tcp {VIP}:{ports} with 21" for ports in ("21,22", "40000-40100", "50000-50100")]
    assert done["marks"] == words
    assert all(reaches(client, VIP, port) for port in (80, 81))
    assert not reaches(client, VIP, 80, INSIDE)
    assert reaches(client, VIP6, 81)
    again = module(host, name="director", open=wanted, marks=marks)
    assert (again["changed"], again["operations"]) == (False, [])
    with host.entered():
        item = {"name": "director", "open": wanted, "marks": marks}
        assert next(restore("firewall", {"firewall": [item]})).words == []
    host.run("nft", "flush", "ruleset")
    load(host, DEFAULT_DROP)
    with host.entered():
        assert next(restore("firewall", {"firewall": [item]})).words == done["operations"]


def test_rules_of_iptables_stand(hosts: tuple[Namespace, Namespace], module: Module, nftables_binding: Path) -> None:
    """They are in nftables as extensions, of which a listing says nothing but the name."""
    if not shutil.which("iptables-nft"):
        pytest.skip("iptables-nft is not installed")
    client, host = hosts
    client.ip(f"addr add {INSIDE}/24 dev eth0")

    def iptables(rules: str) -> None:
        host.run("sh", "-c", "; ".join(f"iptables-nft {rule}" for rule in ("-F INPUT", *rules.splitlines())))

    common = """-P INPUT DROP
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A INPUT -p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m multiport --dports 443,8000:8100 -j ACCEPT
"""
    iptables(common)
    done = module(host, name="director", open=OPEN[:1])
    assert done["operations"] == [f"open tcp {VIP}:80 in ip filter INPUT"]
    assert reaches(client, VIP, 80)
    assert not module(host, name="director", open=OPEN[:1])["changed"]
    # The tools write the comment in a form of their own; the rule is the owner's all the same.
    host.run("sh", "-c", "iptables-nft-save > /run/rules && iptables-nft-restore < /run/rules")
    assert not module(host, name="director", open=OPEN[:1])["changed"]
    for rule in (
        f"-A INPUT -p tcp -m multiport --dports 80,81 -m iprange --src-range {INSIDE}-192.0.2.110 -j ACCEPT",
        f"-A INPUT -s {INSIDE} -p tcp -m state --state NEW -m tcp --dport 80 -j ACCEPT",
        "-A INPUT -p tcp -m multiport --dports 80,81 -j REJECT",
    ):
        iptables(common + rule)
        done = module(host, name="director", open=OPEN[:1])
        assert len(done["left_to_administrator"]) == 1
        assert (reaches(client, VIP, 80), reaches(client, VIP, 80, INSIDE)) == (False, INSIDE in rule)
    iptables(common + "-A INPUT -m u32 --u32 '0x1c&0xffff=80' -j ACCEPT")
    answer = host.module("vip_firewall", bindings=nftables_binding, name="director", open=OPEN[:1])
    assert "cannot be evaluated" in answer["msg"]
    assert not module(host, name="director", open=OPEN[:1], undecided="leave")["changed"]
