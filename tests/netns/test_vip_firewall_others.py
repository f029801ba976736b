# SPDX-License-Identifier: GPL-3.0-or-later
"""vip_firewall beside firewalld and ufw, which run as they do on a host."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import DEVNULL, Popen, run
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._parts.handlers import restore
from netns_firewall import (
    CLIENT,
    DEFAULT_DROP,
    OPEN,
    THROUGH,
    VIP,
    VIP6,
    Module,
    count,
    count_fins,
    counted,
    fins,
    load,
    reaches,
    send,
    send_error,
    serving,
    stray_fin,
)
from netns_hosts import LIMIT, Namespace

_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>{address}</listen><auth>EXTERNAL</auth><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"""
Firewalld = Callable[..., str]


@pytest.fixture
def firewalld_on(
    tmp_path: Path, dbus_binding: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Namespace], Firewalld]]:
    """Return a function that runs firewalld on a host, with files and a bus of its own, and returns its command."""
    if not shutil.which("firewalld") or not shutil.which("dbus-daemon"):
        pytest.skip("firewalld or dbus-daemon is not installed")
    address = f"unix:path={tmp_path}/bus"
    (tmp_path / "bus.conf").write_text(_BUS.format(address=address))
    (tmp_path / "etc").mkdir()
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    started: list[Popen[bytes]] = []

    def begin(host: Namespace) -> Firewalld:
        inside = ["ip", "netns", "exec", host.name]

        def start(*command: str) -> None:
            started.append(Popen([*inside, *command], env=environment, stdout=DEVNULL, stderr=DEVNULL))

        def command(*arguments: str) -> str:
            told = [*inside, "firewall-cmd", *arguments]
            done = run(told, env=environment, capture_output=True, text=True, timeout=LIMIT)
            return done.stdout.strip() or done.stderr.strip()

        start("dbus-daemon", f"--config-file={tmp_path}/bus.conf", "--nofork", "--nopidfile")
        wait_for((tmp_path / "bus").exists)
        start("firewalld", "--nofork", "--nopid", "--system-config", f"{tmp_path}/etc")
        wait_for(lambda: command("--state") == "running")
        return command

    try:
        yield begin
    finally:
        for one in reversed(started):
            one.terminate()
            one.wait(LIMIT)


@pytest.fixture
def firewalld(firewalld_on: Callable[[Namespace], Firewalld], hosts: tuple[Namespace, Namespace]) -> Firewalld:
    """Run firewalld on the host with the VIPs; return its command."""
    return firewalld_on(hosts[1])


def wait_for(done: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT
    while not done():
        assert time.monotonic() < end
        time.sleep(0.1)


def rules(host: Namespace) -> str:
    return host.run("nft", "--stateless", "list", "ruleset")


def policies(directory: Path) -> list[str]:
    return sorted(path.name for path in (directory / "etc").rglob("*.xml"))


def test_firewalld_is_opened_and_closed_again(
    firewalld: Firewalld, hosts: tuple[Namespace, Namespace], module: Module, tmp_path: Path
) -> None:
    client, host = hosts
    former = rules(host)
    assert not any(reaches(client, vip, 80) for vip in (VIP, VIP6))
    rehearsed = module(host, check=True, name="realserver", open=OPEN)
    assert (rules(host), policies(tmp_path)) == (former, [])
    done = module(host, name="realserver", open=OPEN)
    words = f"make firewalld policy lvs-realserver, open to tcp {VIP}:80, tcp [{VIP6}]:80"
    assert rehearsed["operations"] == done["operations"] == [words, "reload firewalld"]
    assert (done["backend"], rehearsed["diff"]) == ("firewalld", done["diff"])
    for _ in range(2):
        assert all(reaches(client, vip, 80) for vip in (VIP, VIP6))
        assert not any(reaches(client, vip, 81) for vip in (VIP, VIP6))
        assert not reaches(client, "192.0.2.2", 80)
        assert firewalld("--reload") == "success"
    again = module(host, name="realserver", open=OPEN)
    assert (again["changed"], again["diff"]["before"]) == (False, done["diff"]["after"])
    fewer = module(host, name="realserver", open=OPEN[:1])
    words = f"firewalld policy lvs-realserver to tcp {VIP}:80"
    assert fewer["operations"] == [f"open permanent {words}", f"open running {words}"]
    assert (reaches(client, VIP, 80), reaches(client, VIP6, 80)) == (True, False)
    gone = module(host, name="realserver", state="absent")
    assert gone["operations"] == ["remove firewalld policy lvs-realserver", "reload firewalld"]
    assert (rules(host), policies(tmp_path)) == (former, [])
    assert not reaches(client, VIP, 80)
    assert not module(host, name="realserver", state="absent")["changed"]


def test_what_hands_did_to_the_policy_is_put_right(
    firewalld: Firewalld, hosts: tuple[Namespace, Namespace], module: Module
) -> None:
    client, host = hosts
    module(host, name="realserver", open=OPEN)
    opened = rules(host)
    firewalld("--policy=lvs-realserver", "--add-port=81/tcp")
    firewalld("--permanent", "--policy=lvs-realserver", "--add-service=http")
    assert reaches(client, VIP, 81)
    assert module(host, name="realserver", open=OPEN)["operations"][-1] == "reload firewalld"
    assert rules(host) == opened
    assert not reaches(client, VIP, 81)
    assert not module(host, name="realserver", open=OPEN)["changed"]


def test_two_owners_of_one_opening_and_a_default_zone_that_drops(
    firewalld: Firewalld, hosts: tuple[Namespace, Namespace], module: Module
) -> None:
    client, host = hosts
    assert firewalld("--set-default-zone=drop") == "success"
    for name in ("director", "realserver"):
        assert module(host, name=name, open=OPEN[:1])["changed"]
    module(host, name="director", state="absent")
    assert reaches(client, VIP, 80)
    module(host, name="realserver", backend="none", open=OPEN[:1])
    assert not reaches(client, VIP, 80)


def test_a_fin_that_belongs_to_nothing_passes_firewalld(
    firewalld: Firewalld, hosts: tuple[Namespace, Namespace], module: Module
) -> None:
    client, host = hosts
    module(host, name="director", open=OPEN[:1])
    count_fins(host)
    stray_fin(client, VIP, 80)
    assert fins(host) == 0, "firewalld let it through, so nothing is proved"
    done = module(host, name="director", open=OPEN[:1], untracked=True)
    assert done["operations"][-3:] == [
        "make table inet lvs-cluster-director",
        f"do not track tcp {VIP}:80",
        f"do not track icmp destination-unreachable to {VIP}",
    ]
    assert not module(host, name="director", open=OPEN[:1], untracked=True)["changed"]
    stray_fin(client, VIP, 80)
    stray_fin(client, VIP, 81)
    assert fins(host) == 1
    assert reaches(client, VIP, 80)
    # firewalld keeps its own rules, and the resident program the others.
    host.run("nft", "delete", "table", "inet", "lvs-cluster-director")
    item: dict[str, Any] = {"name": "director", "open": OPEN[:1], "untracked": True}
    with host.entered():
        assert next(restore("firewall", {"firewall": [item]})).words == done["operations"][-3:]
        assert next(restore("firewall", {"firewall": [item]})).words == []


def test_a_tunnel_is_open_to_its_director_alone_in_firewalld(
    firewalld: Firewalld, hosts: tuple[Namespace, Namespace], module: Module
) -> None:
    director, server = hosts
    director.ip("addr add 192.0.2.99/24 dev eth0")
    protocols = {"ipip": 4, "ipv6": 41, "gre": 47, "vrrp": 112}
    tunnels = [{"address": "192.0.2.2", "source": "192.0.2.1", "protocol": name} for name in protocols]
    tunnels.append({"address": "192.0.2.2", "source": "192.0.2.1", "protocol": "udp", "port": 6080})
    count(server, "ip protocol { 4, 41, 47, 112 }")
    load(server, "table inet seen { chain input { udp dport 6080 counter\n }\n}")
    former = sorted(rules(server).splitlines())

    def seen() -> list[int]:
        before = counted(server)
        for source in ("192.0.2.1", "192.0.2.99"):
            for number in protocols.values():
                send(director, number, source, "192.0.2.2")
            send(director, 17, source, "192.0.2.2", 6080)
        return [now - then for now, then in zip(counted(server), before)]

    assert seen() == [0, 0]
    module(server, name="realserver", open=[*tunnels, *OPEN])
    assert (seen(), reaches(director, VIP, 80)) == ([4, 1], True)
    assert firewalld("--reload") == "success"
    assert not module(server, name="realserver", open=[*tunnels, *OPEN])["changed"]
    assert module(server, name="realserver", open=OPEN, purge=False)["former"] == [
        *("gre 192.0.2.2 from 192.0.2.1", "ipip 192.0.2.2 from 192.0.2.1", "ipv6 192.0.2.2 from 192.0.2.1"),
        *("udp 192.0.2.2:6080 from 192.0.2.1", "vrrp 192.0.2.2 from 192.0.2.1"),
    ]
    assert seen() == [4, 1]
    module(server, name="realserver", open=OPEN)
    assert (seen(), reaches(director, VIP, 80)) == ([0, 0], True)
    module(server, name="realserver", state="absent")
    assert sorted(rules(server).splitlines()) == former


def test_answers_come_back_through_a_director_with_firewalld(
    routed: tuple[Namespace, Namespace, Namespace],
    firewalld_on: Callable[[Namespace], Firewalld],
    module: Module,
    tmp_path: Path,
) -> None:
    client, director, server = routed
    both = ("192.0.2.3", "2001:db8::3")
    assert all(reaches(client, rip, 80) for rip in both)
    firewalld = firewalld_on(director)
    former = rules(director)
    assert not any(reaches(client, rip, 80) for rip in both)
    done = module(director, name="director", open=THROUGH, untracked=True)
    replies = ["replies of tcp 192.0.2.3:80", "replies of tcp [2001:db8::3]:80"]
    assert done["operations"] == [
        f"make firewalld policy lvs-director_via, open to {', '.join(replies)}",
        *("reload firewalld", "make table inet lvs-cluster-director"),
        *(f"do not track {one}" for one in replies),
    ]
    for _ in range(2):
        assert all(reaches(client, rip, 80) for rip in both)
        assert not any(reaches(client, rip, 81) for rip in both)
        with serving(client):
            assert not reaches(server, CLIENT, 80)
            assert reaches(server, "192.0.2.1", 80)
        # Answers to the director itself are tracked, or its own filter would not know them.
        assert all(reaches(director, rip, 80) for rip in both)
        assert firewalld("--reload") == "success"
    assert not module(director, name="director", open=THROUGH, untracked=True)["changed"]
    module(director, name="director", state="absent")
    assert (rules(director), policies(tmp_path)) == (former, [])
    assert not any(reaches(client, rip, 80) for rip in both)


def test_errors_about_answers_pass_firewalld(
    firewalld: Firewalld, hosts: tuple[Namespace, Namespace], module: Module
) -> None:
    client, host = hosts
    assert firewalld("--set-default-zone=drop") == "success"
    count(host, "icmp type destination-unreachable")
    error = "0304" + "0" * 8 + "0578"
    module(host, name="director", open=OPEN)
    send_error(client, "192.0.2.1", VIP, error)
    assert counted(host) == [0]
    module(host, name="director", open=OPEN, untracked=True)
    for target in (VIP, "192.0.2.2"):
        send_error(client, "192.0.2.1", target, error)
    assert counted(host) == [1]


@pytest.mark.parametrize("target", ["drop", "block"])
def test_a_network_that_was_given_to_a_zone_that_drops_is_not_opened(
    firewalld: Firewalld, hosts: tuple[Namespace, Namespace], module: Module, target: str
) -> None:
    client, host = hosts
    client.ip("addr add 192.0.2.99/24 dev eth0")
    firewalld("--permanent", f"--zone={target}", "--add-source=192.0.2.1")
    firewalld("--permanent", "--zone=internal", "--add-source=192.0.2.99")
    assert firewalld("--reload") == "success"
    done = module(host, name="director", open=OPEN[:1])
    assert not reaches(client, VIP, 80)
    assert reaches(client, VIP, 80, "192.0.2.99")
    (told,) = done["left_to_administrator"]
    assert (told["chain"], told["opened"]) == (f"firewalld zone {target}", True)
    assert not module(host, name="director", open=OPEN[:1])["changed"]
    # Clients from there alone have nothing opened.
    only = [{**OPEN[0], "source": "192.0.2.1"}]
    done = module(host, name="director", open=only)
    assert [one["opened"] for one in done["left_to_administrator"]] == [False]
    assert not reaches(client, VIP, 80, "192.0.2.99")


def test_rich_rules_of_the_administrator_stand(
    firewalld: Firewalld, hosts: tuple[Namespace, Namespace], module: Module
) -> None:
    client, host = hosts
    client.ip("addr add 192.0.2.99/24 dev eth0")
    rule = f'rule family="ipv4" source address="192.0.2.99" destination address="{VIP}" port port="80" protocol="tcp" '
    # Some clients are rejected: the others get in.
    firewalld("--permanent", f"--add-rich-rule={rule} reject")
    assert firewalld("--reload") == "success"
    done = module(host, name="director", open=OPEN[:1])
    assert (reaches(client, VIP, 80), reaches(client, VIP, 80, "192.0.2.99")) == (True, False)
    assert [one["opened"] for one in done["left_to_administrator"]] == [True]
    # Some clients are accepted: nobody else gets in, unless it is declared.
    firewalld("--permanent", f"--remove-rich-rule={rule} reject")
    firewalld("--permanent", f"--add-rich-rule={rule} accept")
    assert firewalld("--reload") == "success"
    done = module(host, name="director", open=OPEN[:1])
    assert (reaches(client, VIP, 80), reaches(client, VIP, 80, "192.0.2.99")) == (False, True)
    assert [one["rule"] for one in done["left_to_administrator"]] == [" ".join(f"{rule} accept".split())]
    assert not module(host, name="director", open=OPEN[:1])["changed"]
    declared = [{**OPEN[0], "source": source} for source in ("192.0.2.0/28", "192.0.2.99/32")]
    assert module(host, name="director", open=declared)["changed"]
    assert (reaches(client, VIP, 80), reaches(client, VIP, 80, "192.0.2.99")) == (True, True)
    assert not module(host, name="director", open=declared)["changed"]


def test_ranges_of_ports_in_firewalld(firewalld: Firewalld, hosts: tuple[Namespace, Namespace], module: Module) -> None:
    client, host = hosts
    wanted = [{"address": VIP, "port": "80-81", "source": "192.0.2.0/24"}]
    module(host, name="director", open=wanted)
    assert all(reaches(client, VIP, port) for port in (80, 81))
    assert firewalld("--reload") == "success"
    assert not module(host, name="director", open=wanted)["changed"]


def test_a_filter_beside_firewalld_is_opened_too(
    firewalld: Firewalld, hosts: tuple[Namespace, Namespace], module: Module
) -> None:
    client, host = hosts
    load(host, DEFAULT_DROP)
    done = module(host, name="realserver", open=OPEN[:1])["operations"]
    assert done[1:] == ["reload firewalld", f"open tcp {VIP}:80 in inet filter input"]
    assert reaches(client, VIP, 80)
    assert not module(host, name="realserver", open=OPEN[:1])["changed"]


def test_firewalld_is_asked_for_and_does_not_run(
    hosts: tuple[Namespace, Namespace], nftables_binding: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    options: dict[str, Any] = {"name": "realserver", "open": OPEN, "backend": "firewalld"}
    done = hosts[1].module("vip_firewall", bindings=nftables_binding, **options)
    assert done["msg"] == (
        "backend: 'firewalld' is not possible: firewalld does not run on this host; start it, or write backend: auto."
    )


@pytest.fixture
def ufw(tmp_path: Path, hosts: tuple[Namespace, Namespace]) -> Iterator[Firewalld]:
    """Return a function that runs ufw on the host with the VIPs, with files of its own."""
    if not shutil.which("ufw"):
        pytest.skip("ufw is not installed")
    own = tmp_path / "ufw"
    shutil.copytree("/etc/ufw", own)

    def command(arguments: str) -> str:
        # `ip netns exec` gives each command a mount namespace of its own.
        return hosts[1].run("sh", "-c", f"mount --bind {own} /etc/ufw && ufw {arguments}")

    yield command
    command("disable")


def test_rules_of_ufw_stand(ufw: Firewalld, hosts: tuple[Namespace, Namespace], module: Module) -> None:
    client, host = hosts
    client.ip("addr add 192.0.2.99/24 dev eth0")
    ufw("--force enable")
    # A ban comes before the opening; ufw drops what is invalid before it, so that nothing may be that.
    ufw("deny from 192.0.2.99")
    done = module(host, name="director", open=OPEN[:1], untracked=True)
    assert f"do not track tcp {VIP}:80" in done["operations"]
    assert (reaches(client, VIP, 80), reaches(client, VIP, 80, "192.0.2.99")) == (True, False)
    count_fins(host)
    stray_fin(client, VIP, 80)
    assert fins(host) == 1
    assert not module(host, name="director", open=OPEN[:1], untracked=True)["changed"]
    ufw("delete deny from 192.0.2.99")
    # Some clients are admitted, or the port is closed: both stand.
    for command in ("allow from 192.0.2.99 to any port 80 proto tcp", "deny 80/tcp"):
        ufw(command)
        done = module(host, name="director", open=OPEN[:1])
        assert not reaches(client, VIP, 80)
        assert reaches(client, VIP, 80, "192.0.2.99") is command.startswith("allow")
        assert len(done["left_to_administrator"]) == 1
        assert not module(host, name="director", open=OPEN[:1])["changed"]
        ufw(f"delete {command}")
    module(host, name="director", open=OPEN[:1])
    assert reaches(client, VIP, 80)


def test_ufw(ufw: Firewalld, hosts: tuple[Namespace, Namespace], module: Module) -> None:
    client, host = hosts
    ufw("--force enable")
    former = ufw("status numbered")
    assert not reaches(client, VIP, 80)
    opened = module(host, name="director", open=OPEN, untracked=True)["operations"]
    # For IPv6 ufw drops what has a routing header before it drops what is invalid: so nothing may be invalid.
    assert opened == [
        f"open tcp {VIP}:80 in ip filter INPUT",
        f"open icmp destination-unreachable to {VIP} in ip filter INPUT",
        f"open tcp [{VIP6}]:80 in ip6 filter INPUT",
        "make table inet lvs-cluster-director",
        f"do not track tcp [{VIP6}]:80",
        f"do not track icmpv6 packet-too-big to {VIP6}",
    ]
    # What it does to its rules, with iptables, leaves the openings where they are.
    for change in ("reload", "allow 22/tcp", "delete allow 22/tcp"):
        ufw(change)
        assert all(reaches(client, vip, 80) for vip in (VIP, VIP6)), change
        assert not reaches(client, VIP, 81)
        assert not module(host, name="director", open=OPEN, untracked=True)["changed"]
    assert f"-d {VIP}/32 -p tcp" in host.run("iptables", "-S", "INPUT")
    module(host, name="director", state="absent")
    assert ufw("status numbered") == former
    assert not any(reaches(client, vip, 80) for vip in (VIP, VIP6))
