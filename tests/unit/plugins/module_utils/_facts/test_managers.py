# SPDX-License-Identifier: GPL-3.0-or-later
"""Other programs that manage IPVS, and whether the kernel has it, over a table of fake roots."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._facts.client import ip_vs_state
from ansible_collections.lvs.cluster.plugins.module_utils._facts.managers import managers
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import Manager

KEEPALIVED = {"proc/7/cmdline": "/usr/sbin/keepalived\0--dont-fork\0"}
CONF = "etc/keepalived/keepalived.conf"
BALANCES = "vrrp_instance x {\n}\nvirtual_server 192.0.2.30 80 {\n}\n"


def make(root: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("-> "):
            path.symlink_to(text[3:])
        else:
            path.write_text(text)
    return str(root)


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, None),
        ({"proc/7/cmdline": "", "proc/7/comm": "kworker\n", "proc/8/cmdline": "sh\0-c\0echo keepalived\0"}, None),
        ({**KEEPALIVED, CONF: BALANCES}, Manager("keepalived", "virtual_server in /etc/keepalived/keepalived.conf")),
        ({**KEEPALIVED, CONF: "vrrp_instance x {\n}\n# virtual_server 192.0.2.30 80 {\n"}, None),
        ({CONF: BALANCES}, None),
        ({**KEEPALIVED, CONF: "include conf.d/*.conf\n", "etc/keepalived/conf.d/web.conf": BALANCES}, Manager("keepalived", "virtual_server in /etc/keepalived/keepalived.conf")),
        ({**KEEPALIVED, CONF: "include keepalived.conf\n"}, None),
        ({"proc/7/cmdline": "keepalived\0-f\0/opt/k.conf\0", "opt/k.conf": BALANCES}, Manager("keepalived", "virtual_server in /opt/k.conf")),
        ({"proc/7/cmdline": "keepalived\0--use-file=/opt/k.conf\0", "opt/k.conf": BALANCES}, Manager("keepalived", "virtual_server in /opt/k.conf")),
        ({"proc/7/cmdline": "/usr/bin/perl\0-w\0/usr/sbin/ldirectord\0start\0"}, Manager("ldirectord", "a process ldirectord")),
        ({"proc/7/cmdline": "kube-proxy\0--proxy-mode=ipvs\0"}, Manager("kube-proxy", "a process kube-proxy in IPVS mode")),
        ({"proc/7/cmdline": "kube-proxy\0--proxy-mode\0iptables\0"}, None),
        ({"proc/7/cmdline": "/hyperkube\0kube-proxy\0--proxy-mode=ipvs\0"}, Manager("kube-proxy", "a process kube-proxy in IPVS mode")),
        ({"proc/7/cmdline": "kube-proxy\0--config=/k/c\0", "k/c": "kind: x\nmode: \"ipvs\"\n"}, Manager("kube-proxy", "a process kube-proxy in IPVS mode")),
        ({"proc/7/cmdline": "kube-proxy\0--config=/k/c\0", "k/c": 'kind: x\nmode: ""\n'}, None),
        ({"proc/7/cmdline": "kube-proxy\0--config=/k/c\0"}, Manager("kube-proxy", "a process kube-proxy whose mode is in a file that can't be read", sure=False)),
        ({"proc/7/cmdline": "kube-proxy\0"}, None),
        ({"etc/systemd/system/multi-user.target.wants/ipvsadm.service": "-> /nowhere"}, Manager("ipvsadm", "/etc/systemd/system/multi-user.target.wants/ipvsadm.service")),
        ({"etc/systemd/system/basic.target.wants/ipvsadm-restore.service": "-> /nowhere"}, Manager("ipvsadm", "/etc/systemd/system/basic.target.wants/ipvsadm-restore.service")),
        ({"etc/default/ipvsadm": 'AUTO="true"\n', "etc/rc2.d/S01ipvsadm": "-> ../init.d/ipvsadm"}, Manager("ipvsadm", 'AUTO="true" in /etc/default/ipvsadm')),
        ({"etc/default/ipvsadm": 'AUTO="true"\n'}, None),
        ({"etc/default/ipvsadm": '#AUTO="true"\nAUTO="false"\n', "etc/rc2.d/S01ipvsadm": "x"}, None),
        ({"etc/rc.d/rc3.d/S08ipvsadm": "-> ../init.d/ipvsadm"}, Manager("ipvsadm", "/etc/rc.d/rc3.d/S08ipvsadm")),
    ],
)  # fmt: skip
def test_managers(tmp_path: Path, files: dict[str, str], found: Manager | None) -> None:
    assert managers(make(tmp_path, files)) == ((found,) if found else ())


VRRP = "vrrp_instance x {\n  virtual_ipaddress {\n    192.0.2.30/24 dev eth0 # the VIP\n    192.0.2.31\n  }\n  virtual_ipaddress_excluded { 2001:DB8::30/64 }\n}\n"
VIPS = ("192.0.2.30", "192.0.2.31", "2001:db8::30")
ASSIGNS = Manager("keepalived", "virtual_ipaddress in /etc/keepalived/keepalived.conf", table=False, addresses=VIPS)
VIP = VIPS[:1]
CIB = "var/lib/pacemaker/cib/cib.xml"
RESOURCE = (
    '<cib><primitive id="v" class="ocf" type="IPaddr2"><nvpair id="1" name="ip" value="192.0.2.30"/></primitive></cib>'
)
MULTI = "etc/systemd/system/multi-user.target.wants"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({**KEEPALIVED, CONF: VRRP}, ASSIGNS),
        ({**KEEPALIVED, CONF: VRRP.replace("192.0.2.30/24", "#192.0.2.30/24").replace("192.0.2.31", "!192.0.2.31")},
         ASSIGNS._replace(addresses=VIPS[2:])),
        ({**KEEPALIVED, CONF: "$VIP=192.0.2.30\nvrrp_instance x {\nvirtual_ipaddress {\n$VIP/24\n${VIP}\n}\n}\n"}, ASSIGNS._replace(addresses=VIP)),
        # What is included is part of the block in which it is.
        ({**KEEPALIVED, CONF: "vrrp_instance x {\n virtual_ipaddress {\n  include vips/*.conf\n }\n}\n", "etc/keepalived/vips/a.conf": "192.0.2.30\n"},
         ASSIGNS._replace(addresses=VIP)),
        ({**KEEPALIVED, CONF: f"include instances/*\n{BALANCES}", "etc/keepalived/instances/a": VRRP},
         Manager("keepalived", "virtual_server in /etc/keepalived/keepalived.conf", addresses=VIPS)),
        ({"proc/7/cmdline": "keepalived\0--vrrp\0", CONF: f"{BALANCES}{VRRP}"}, ASSIGNS),
        ({"proc/7/cmdline": "keepalived\0-C\0", CONF: VRRP}, None),
        # One in a container has a configuration of its own.
        ({**KEEPALIVED, CONF: VRRP, f"proc/7/root/{CONF}": "vrrp_instance x {\n}\n"}, None),
        ({**KEEPALIVED, f"proc/7/root/{CONF}": VRRP}, ASSIGNS),
        ({**KEEPALIVED, CONF: BALANCES, "proc/7/ns/net": "-> net:[2]", "proc/self/ns/net": "-> net:[1]"}, None),
        ({**KEEPALIVED, CONF: VRRP, "proc/7/ns/net": "-> net:[1]", "proc/self/ns/net": "-> net:[1]"}, ASSIGNS),
        ({CONF: VRRP, f"{MULTI}/keepalived.service": "-> /nowhere"},
         ASSIGNS._replace(evidence=f"{ASSIGNS.evidence}, started at boot by /{MULTI}/keepalived.service")),
        ({"proc/7/cmdline": "/usr/sbin/lvsd\0--nofork\0", "etc/sysconfig/ha/lvs.cf": "service = lvs\nvirtual x {\n address = 192.0.2.30 eth0:1\n}\n"},
         Manager("pulse", "a process lvsd", addresses=VIP)),
        ({"proc/7/cmdline": "pulse\0", "etc/sysconfig/ha/lvs.cf": "service = fos\n"}, Manager("pulse", "a process pulse", table=False)),
        ({"proc/7/cmdline": "kube-router\0--run-router=true\0"}, Manager("kube-router", "a process kube-router with its service proxy")),
        ({"proc/7/cmdline": "kube-router\0--run-service-proxy=false\0"}, None),
        ({"proc/7/cmdline": "kube-vip\0manager\0", "proc/7/environ": "vip_arp=true\0address=192.0.2.30\0cp_enable=true\0"},
         Manager("kube-vip", "a process kube-vip", table=False, addresses=VIP)),
        ({"proc/7/cmdline": "kube-vip\0manager\0", "proc/7/environ": "lb_enable=true\0vip_address=192.0.2.30\0"},
         Manager("kube-vip", "a process kube-vip", addresses=VIP)),
        ({"proc/7/cmdline": "kube-vip\0manager\0", "proc/7/environ": "svc_enable=true\0"}, Manager("kube-vip", "a process kube-vip", sure=False, table=False)),
        ({"proc/7/cmdline": "/usr/local/bin/k3s server\0"}, None),
        ({"proc/7/cmdline": "/usr/local/bin/k3s server\0", "etc/rancher/k3s/config.yaml": 'kube-proxy-arg:\n  - "proxy-mode=ipvs"\n'},
         Manager("k3s", "proxy-mode in /etc/rancher/k3s/config.yaml in IPVS mode")),
        ({"proc/7/cmdline": "/usr/local/bin/k3s agent\0", "etc/systemd/system/k3s-agent.service": "ExecStart=/usr/local/bin/k3s agent '--kube-proxy-arg=proxy-mode=ipvs'\n"},
         Manager("k3s", "proxy-mode in /etc/systemd/system/k3s-agent.service in IPVS mode")),
        ({"proc/7/cmdline": "kube-proxy\0--proxy-mode=nftables\0"},
         Manager("kube-proxy", "a process kube-proxy in nftables mode, which empties the table when it starts")),
        ({"proc/7/cmdline": "kube-proxy\0--config=/k/c\0", "proc/7/root/k/c": "mode: ipvs\n", "proc/7/root/etc/hosts": ""},
         Manager("kube-proxy", "a process kube-proxy in IPVS mode")),
        ({"proc/7/cmdline": "/usr/sbin/pacemakerd\0", CIB: RESOURCE}, Manager("pacemaker", f"resources in /{CIB}", table=False, addresses=VIP)),
        ({"proc/7/cmdline": "/usr/sbin/pacemakerd\0", CIB: '<cib><primitive id="l" class="ocf" type="ldirectord"/></cib>'},
         Manager("pacemaker", f"resources in /{CIB}")),
        ({"proc/7/cmdline": "/usr/sbin/pacemakerd\0"}, Manager("pacemaker", "a process pacemakerd, whose resources can't be read", sure=False, table=False)),
        ({"proc/7/cmdline": "/usr/sbin/corosync\0-f\0"}, None),
        ({"proc/7/cmdline": "heartbeat: master control process\0", "etc/ha.d/haresources": "lb1 IPaddr::192.0.2.30/24/eth0\n"},
         Manager("heartbeat", "/etc/ha.d/haresources", table=False, addresses=VIP)),
        ({"proc/7/cmdline": "heartbeat: master control process\0", "etc/ha.d/haresources": "lb1 192.0.2.30 ldirectord::web.cf\n"},
         Manager("heartbeat", "/etc/ha.d/haresources", addresses=VIP)),
        ({"proc/7/cmdline": "ucarp\0-i\0eth0\0--addr=192.0.2.30\0"}, Manager("ucarp", "a process ucarp", table=False, addresses=VIP)),
        ({"proc/7/cmdline": "/usr/lib/frr/vrrpd\0-d\0", "etc/frr/frr.conf": "interface eth0\n vrrp 5 version 3\n vrrp 5 ip 192.0.2.30\n"},
         Manager("vrrpd", "a process vrrpd", table=False, addresses=VIP)),
        ({"proc/7/cmdline": "/usr/lib/frr/zebra\0-d\0", "proc/8/cmdline": "/usr/sbin/bird\0", "proc/9/cmdline": "/usr/lib/frr/bgpd\0"}, None),
    ],
)  # fmt: skip
def test_who_else_assigns_addresses_or_balances(tmp_path: Path, files: dict[str, str], found: Manager | None) -> None:
    assert managers(make(tmp_path, files)) == ((found,) if found else ())


@pytest.mark.parametrize(
    ("device", "files", "found"),
    [
        ("kube-ipvs0", {}, Manager("kube-proxy", "the device kube-ipvs0", sure=False, addresses=VIP)),
        ("kube-ipvs0", {"proc/7/cmdline": "/usr/local/bin/k3s server\0"}, Manager("kube-proxy", "the device kube-ipvs0", addresses=VIP)),
        ("kube-ipvs0", {"proc/7/cmdline": "kube-proxy\0--proxy-mode=ipvs\0"}, Manager("kube-proxy", "a process kube-proxy in IPVS mode", addresses=VIP)),
        ("kube-dummy-if", {"proc/7/cmdline": "kube-router\0"}, Manager("kube-router", "a process kube-router with its service proxy", addresses=VIP)),
        ("dummy0", {}, None),
    ],
)  # fmt: skip
def test_devices_tell(tmp_path: Path, device: str, files: dict[str, str], found: Manager | None) -> None:
    assert managers(make(tmp_path, files), {device: ["192.0.2.30/32"]}) == ((found,) if found else ())


def test_a_configuration_that_includes_itself_comes_to_an_end(tmp_path: Path) -> None:
    files = {**KEEPALIVED, CONF: f"include *.conf\n{VRRP}", "etc/keepalived/other.conf": "include keepalived.conf\n"}
    assert managers(make(tmp_path, files)) == (ASSIGNS,)


LISTS = {
    "modules.builtin": "kernel/fs/ext4/ext4.ko\n",
    "modules.dep": "kernel/net/netfilter/ipvs/ip_vs_rr.ko: kernel/net/netfilter/ipvs/ip_vs.ko\n",
}
IPVS = "kernel/net/netfilter/ipvs/ip_vs.ko"


@pytest.mark.parametrize("tree", ["lib/modules", "usr/lib/modules"])
@pytest.mark.parametrize(
    ("lists", "state"),
    [
        ({}, "unknown"),
        (LISTS, "absent"),
        ({**LISTS, "modules.dep": f"{IPVS}.zst: kernel/lib/libcrc32c.ko.zst\n"}, "module"),
        ({**LISTS, "modules.builtin": f"{IPVS}\n"}, "builtin"),
        ({"modules.dep": f"{IPVS}:\n"}, "unknown"),
    ],
)
def test_ip_vs(tmp_path: Path, tree: str, lists: dict[str, str], state: str) -> None:
    root = make(tmp_path, {f"{tree}/6.1.0/{name}": text for name, text in lists.items()})
    assert ip_vs_state("6.1.0", root) == state


def test_ip_vs_is_loaded(tmp_path: Path) -> None:
    assert ip_vs_state("6.1.0", make(tmp_path, {"proc/net/ip_vs": "IP Virtual Server\n"})) == "loaded"
