# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user gets for a mistake, through Ansible and from a real host: one sentence, and nothing changed."""

from __future__ import annotations

import json
import re

import pytest

WEB = {"address": "192.168.91.40", "port": 80}
SERVICE = "lvs.cluster.ipvs_service"
VIP = "lvs.cluster.vip_iface"


def message(output: str) -> str:
    """Return the text of `msg` in an ad-hoc answer, on one line."""
    found = re.search(r"^    msg: (?:[|>][-+]?\n)?(.*?)(?=^    \w+:|\Z)", output, re.M | re.S)
    assert found, output
    return re.sub(r"\s+", " ", found.group(1)).strip().strip("'\"").replace("''", "'")


@pytest.mark.parametrize(
    ("module", "options", "sentence"),
    [
        (
            SERVICE,
            {**WEB, "address": "192.168.91.300"},
            "address: '192.168.91.300' is not an IP address; write one such as 192.0.2.30 or 2001:db8::30, without a prefix length.",
        ),
        (SERVICE, {**WEB, "port": 70000}, "port: 70000 is out of range; give a number from 0 to 65535."),
        (
            SERVICE,
            {**WEB, "real_servers": [{"address": "192.168.91.4", "port": 8080}]},
            "port of server 192.168.91.4:8080 of tcp 192.168.91.40:80: 8080 is not the service's port 80, and forwarding "
            "direct leaves the packet as it is, so the server would get it for port 80; let the server listen on the service's port and leave port "
            "out, or use forwarding masquerade.",
        ),
        (
            SERVICE,
            {**WEB, "scheduler": "round"},
            "scheduler: 'round' is not in this kernel (no module ip_vs_round); choose from dh, fo, lblc, lblcr, lc, mh, nq, ovf, "
            "rr, sed, sh, wlc, wrr.",
        ),
    ],
)
def test_ipvs(typed, lab_table, module, options, sentence):
    before = lab_table()
    run = typed("ansible", "director", "-i", "lab", "-m", module, "-a", json.dumps(options))
    assert run.status != 0
    assert message(run.output) == sentence
    assert lab_table() == before


def test_missing_interface(typed):
    options = {"interface": "nosuch0", "addresses": ["192.168.91.40"]}
    run = typed("ansible", "rs1", "-i", "lab", "-m", VIP, "-a", json.dumps(options))
    assert run.status != 0
    assert "nosuch0" in message(run.output)


@pytest.mark.parametrize(
    ("module", "options"),
    [
        (SERVICE, WEB),
        (VIP, {"interface": "lan0", "addresses": ["192.168.91.40"]}),
        ("lvs.cluster.arp_sysctl", {"arp_ignore": 2}),
        ("lvs.cluster.boot_restore", {"name": "trial"}),
    ],
)
def test_no_permission(typed, module, options):
    # The account nobody has no shell of its own on Debian, so su is told of one.
    shell = "ansible_become_flags='-s /bin/sh'"
    become = ["--become", "--become-user", "nobody", "--become-method", "su", "-e", shell]
    run = typed("ansible", "director", "-i", "lab", *become, "-m", module, "-a", json.dumps(options))
    assert run.status != 0
    assert "as root (become: true)" in message(run.output)


def test_no_ip_vs_in_the_kernel(typed, on_host):
    """A host whose kernel can't load ip_vs, as where the module is not installed."""
    assert on_host("client", "test ! -e /proc/net/ip_vs") == ""
    on_host("client", "mkdir -p /run/modprobe.d && echo install ip_vs /bin/false > /run/modprobe.d/test.conf")
    try:
        run = typed("ansible", "client", "-i", "lab", "-m", SERVICE, "-a", json.dumps(WEB))
    finally:
        on_host("client", "rm /run/modprobe.d/test.conf")
    assert run.status != 0
    assert message(run.output).startswith("The kernel has no IPVS and cannot load the module ip_vs; ")
