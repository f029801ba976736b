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
