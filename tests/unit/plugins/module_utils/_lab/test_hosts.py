# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's hosts out of the inventory's data, what the guest is told, and the plan between wanted and running."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._lab import guest as lab_guest
from ansible_collections.lvs.cluster.plugins.module_utils._lab.errors import BadLabHost
from ansible_collections.lvs.cluster.plugins.module_utils._lab.hosts import (
    MGMT_MAC,
    Host,
    Interface,
    derive_mac,
    derive_machine_id,
    parse_hosts,
    segments,
)
from ansible_collections.lvs.cluster.plugins.module_utils._lab.plan import Running, make_plan
from hypothesis import given
from hypothesis import strategies as st


def raw(name="rs1", port=22004, addresses=("192.168.91.4/24",), interface="lan0", segment="lan"):
    return {
        "name": name,
        "port": port,
        "image": "/images/a",
        "interfaces": [{"name": interface, "segment": segment, "addresses": list(addresses)}],
    }


def routed(*routes, **others):
    host = raw(**others)
    interface = {**host["interfaces"][0], "routes": [{"to": to, "via": via} for to, via in routes]}
    return {**host, "interfaces": [interface]}


ROUTE = ("10.9.0.0/24", "192.168.91.1")
DIRECTOR = raw("director", 22003, ["192.168.91.3/24"])


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_mac_is_stable_unicast_and_never_the_management_one(host, interface):
    mac = derive_mac(host, interface)
    assert mac == derive_mac(host, interface) != MGMT_MAC
    assert re.fullmatch(r"52:54:00(:[0-9a-f]{2}){3}", mac)


def test_macs_of_hosts_and_interfaces_differ():
    assert len({derive_mac(h, i) for h in ("director", "rs1", "rs2", "client") for i in ("lan0", "lan1")}) == 8


@given(st.text(), st.text())
def test_machine_id_has_32_hex_digits(lab, host):
    assert re.fullmatch(r"[0-9a-f]{32}", derive_machine_id(lab, host))


def test_an_address_is_written_in_one_way():
    host = Host.parse(raw(addresses=["2001:DB8:0::4/64"]))
    assert host.interfaces[0].addresses == ("2001:db8::4/64",)


@pytest.mark.parametrize(
    ("hosts", "about"),
    [
        ([raw(addresses=["192.168.91.4"])], ("addresses of rs1, lan0", "192.168.91.4")),
        ([raw(addresses=["192.168.91.400/24"])], ("addresses of rs1, lan0", "192.168.91.400/24")),
        ([raw(addresses=["10.0.0.1/8", "10.0.0.1/8"])], ("addresses of rs1, lan0", ["10.0.0.1/8", "10.0.0.1/8"])),
        ([raw(interface="mgmt0")], ("lab_interfaces of rs1", "mgmt0")),
        ([raw(interface="averyveryverylongname")], ("lab_interfaces of rs1", "averyveryverylongname")),
        ([raw(segment="a/b")], ("segment of rs1, lan0", "a/b")),
        ([raw(name="RS_1")], ("name", "RS_1")),
        ([raw(name="../../x")], ("name", "../../x")),
        ([raw(port=70000)], ("ssh port of rs1", 70000)),
        ([DIRECTOR, DIRECTOR], ("hosts", "director")),
        ([DIRECTOR, raw(port=22003)], ("ssh port", 22003)),
        ([DIRECTOR, raw(addresses=["192.168.91.3/24"])], ("address", "192.168.91.3 (lan)")),
        ([{**raw(), "interfaces": raw()["interfaces"] * 2}], ("lab_interfaces of rs1", "lan0")),
        (
            [routed(("10.9.0.1/24", "192.168.91.1"))],
            ("routes of rs1, lan0", {"to": "10.9.0.1/24", "via": "192.168.91.1"}),
        ),
        ([routed(("10.9.0.0/24", "10.9.0.1"))], ("via of rs1, lan0", "10.9.0.1")),
        ([routed(("2001:db8::/64", "192.168.91.1"))], ("via of rs1, lan0", "192.168.91.1")),
        ([routed(ROUTE, ("10.9.0.0/24", "192.168.91.2"))], ("routes of rs1, lan0", "10.9.0.0/24")),
    ],
)
def test_what_cannot_be_built_is_refused_by_name(hosts, about, error_words):
    with pytest.raises(BadLabHost) as caught:
        parse_hosts(hosts)
    assert error_words(caught.value) == about


def test_a_host_is_the_same_after_json():
    host = Host.parse({**routed(ROUTE), "forwarding": True})
    assert Host.from_dict(json.loads(json.dumps(host.to_dict()))) == host


def test_each_segment_once():
    assert segments(parse_hosts([DIRECTOR, raw(), raw("gw", 22009, ["10.1.0.1/24"], segment="back")])) == [
        "back",
        "lan",
    ]


def test_network_files_name_the_interface_by_its_mac():
    interface = Interface.parse("rs1", raw(addresses=["192.168.91.4/24", "2001:db8::4/64"])["interfaces"][0])
    files = lab_guest.network_files(interface)
    link, network = (files[f"/etc/systemd/network/20-lan0.{kind}"] for kind in ("link", "network"))
    assert f"MACAddress={interface.mac}\n" in link
    assert "Name=lan0\n" in link
    assert "Address=192.168.91.4/24\nAddress=2001:db8::4/64\n" in network


def test_a_route_is_kept_with_its_interface():
    interface = Interface.parse("rs1", routed(ROUTE)["interfaces"][0])
    network = lab_guest.network_files(interface)["/etc/systemd/network/20-lan0.network"]
    assert network.endswith("\n[Route]\nDestination=10.9.0.0/24\nGateway=192.168.91.1\n")


def test_only_a_router_forwards():
    identity = [lab_guest.identity_script(Host.parse({**raw(), "forwarding": on}), "0" * 32, 0, "") for on in (0, 1)]
    assert ["/proc/sys/net/ipv4/ip_forward" in script for script in identity] == [False, True]
    back = lab_guest.forwarding_files(False)
    assert back["/proc/sys/net/ipv6/conf/all/forwarding"] == "0\n"
    assert "net/ipv4/ip_forward = 0\n" in back["/etc/sysctl.d/20-lab-forwarding.conf"]


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_files_are_written_as_they_are(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("guest") / "a file"
    subprocess.run(["/bin/sh", "-e"], input=lab_guest.write_files({str(path): content}).encode(), check=True)
    assert path.read_bytes() == content.encode()


def test_identity_has_name_time_seed_and_files_in_shell_that_parses():
    script = lab_guest.identity_script(Host.parse(raw()), "0" * 32, 1234.5, "a'b")
    for word in (
        "> /proc/sys/kernel/hostname",
        "date -s @1234.500",
        "/etc/machine-id",
        "20-lan0.network",
        "networkctl reload",
    ):
        assert word in script
    subprocess.run(["/bin/sh", "-n"], input=script.encode(), check=True)


def wanted(*hosts):
    return parse_hosts(hosts)


def running(*hosts, **addresses):
    parsed = parse_hosts(hosts)
    return {
        h.name: Running(h, {i.name: frozenset(addresses.get(h.name, i.addresses)) for i in h.interfaces})
        for h in parsed
    }


UP = {"lan": True}


def test_nothing_runs_then_all_is_started():
    plan = make_plan(wanted(DIRECTOR, raw()), {}, {})
    assert plan.operations == ["start switch lan", "start machine director", "start machine rs1"]


def test_what_runs_as_declared_stays():
    assert make_plan(wanted(DIRECTOR, raw()), running(DIRECTOR, raw()), UP).operations == []


def test_an_address_that_others_added_stays():
    now = running(raw(), rs1=["192.168.91.4/24", "192.168.91.30/32"])
    assert make_plan(wanted(raw()), now, UP).operations == []


@pytest.mark.parametrize(
    ("want", "now", "operations"),
    [
        ([DIRECTOR, raw()], running(DIRECTOR), ["start machine rs1"]),
        ([DIRECTOR], running(DIRECTOR, raw()), ["end machine rs1, which the inventory no longer has"]),
        (
            [raw(addresses=["192.168.91.4/24", "192.168.91.7/24"])],
            running(raw()),
            ["add 192.168.91.7/24 to lan0 of rs1"],
        ),
        (
            [raw(addresses=["192.168.91.8/24"])],
            running(raw()),
            ["add 192.168.91.8/24 to lan0 of rs1, remove 192.168.91.4/24 from lan0 of rs1"],
        ),
        ([raw()], running(raw(), rs1=[]), ["add 192.168.91.4/24 to lan0 of rs1"]),
        (
            [raw(segment="back")],
            running(raw()),
            ["start switch back", "unplug lan0 of rs1 from lan", "plug lan0 of rs1 into back", "end switch lan"],
        ),
        ([routed(ROUTE)], running(raw()), ["add the route to 10.9.0.0/24 via 192.168.91.1 on lan0 of rs1"]),
        ([raw()], running(routed(ROUTE)), ["remove the route to 10.9.0.0/24 via 192.168.91.1 on lan0 of rs1"]),
        ([{**raw(), "forwarding": True}], running(raw()), ["have rs1 forward packets"]),
        ([raw()], running({**raw(), "forwarding": True}), ["have rs1 no longer forward packets"]),
        ([raw(interface="lan1")], running(raw()), ["unplug lan0 of rs1", "plug lan1 of rs1 into lan"]),
    ],
)
def test_only_the_difference_is_done(want, now, operations):
    assert make_plan(wanted(*want), now, UP).operations == operations


def test_a_dead_switch_is_started_and_every_interface_plugged_again():
    plan = make_plan(wanted(raw()), running(raw()), {"lan": False})
    assert plan.operations == ["start switch lan", "unplug lan0 of rs1 from lan", "plug lan0 of rs1 into lan"]


def test_a_switch_without_a_use_is_ended():
    assert make_plan(wanted(raw()), running(raw()), {"lan": True, "back": True}).operations == ["end switch back"]


def test_another_port_is_refused_while_the_machine_runs(error_words):
    with pytest.raises(BadLabHost) as caught:
        make_plan(wanted(raw(port=23004)), running(raw()), UP)
    assert error_words(caught.value) == ("ssh port of rs1", 23004)


def test_a_new_image_does_not_touch_what_runs():
    host = replace(Host.parse(raw()), image=str(Path("/images/b")))
    assert make_plan([host], running(raw()), UP).operations == []
