# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lab machine is told about itself: the files and the script that its agent runs. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from .hosts import Host, Interface, Route

# A new image runs this once, so that no lab has to. The script waits for the end of the boot and names a unit that
# failed. Then it reads the files that Ansible and a lab's start need, so that the snapshot has them in memory.
_WARM_UP = """
state=$(systemctl is-system-running --wait) ||
    { echo "$state" >&2; systemctl list-units --state=failed --no-legend --plain >&2; exit 1; }
/usr/lib/systemd/systemd-networkd-wait-online --interface=mgmt0 --timeout=60
python3 -c 'import base64, json, os, platform, selectors, shlex, socket, ssl, subprocess, tempfile, zipfile'
python3 -c 'import apt, pyroute2'
apt-cache gencaches
nc -w 3 127.0.0.1 22 < /dev/null > /dev/null || true
networkctl reload
date > /dev/null
ip address > /dev/null
"""
# udev compares its files with those that it has read every three seconds: after this pause it reads a machine's .link
# files without a request.
_PAUSE = """
sync
sleep 5
"""
_NETWORK_DIR = "/etc/systemd/network"
_NOTE = "# Written by the role lvs.cluster.lab.\n"
_FORWARDING = "/etc/sysctl.d/20-lab-forwarding.conf"
# What makes a router, as files below /proc/sys.
_FORWARDING_SYSCTLS = ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding")


def settle_script(scripts: Sequence[str]) -> str:
    """Return the script that a new image runs once; each of its overlays' scripts runs in a shell of its own."""
    # A script that reads its standard input would take the rest of this one.
    return _WARM_UP + "".join(f"sh -ec {shlex.quote(one)} < /dev/null || exit\n" for one in scripts) + _PAUSE


def network_files(interface: Interface) -> dict[str, str]:
    """The .link (its name) and .network (its addresses and routes) of one LAN interface, path to content."""
    match = f"{_NOTE}[Match]\nMACAddress={interface.mac}\n\n"
    addresses = "".join(f"Address={address}\n" for address in interface.addresses)
    routes = "".join(f"\n[Route]\nDestination={route.to}\nGateway={route.via}\n" for route in interface.routes)
    return {
        f"{_NETWORK_DIR}/20-{interface.name}.link": f"{match}[Link]\nName={interface.name}\n",
        f"{_NETWORK_DIR}/20-{interface.name}.network": (
            f"{match}[Link]\nRequiredForOnline=yes\n\n[Network]\n{addresses}DHCP=no\nLinkLocalAddressing=ipv6\n"
            # A VIP is set by others; networkd must not take it away when it configures the link again.
            f"IPv6AcceptRA=no\nKeepConfiguration=static\n{routes}"
        ),
    }


def write_files(files: dict[str, str]) -> str:
    """Shell lines that write these files, with no process of their own: each would cost 0.1 s when emulated."""
    return "".join(f"printf %s {shlex.quote(text)} > {shlex.quote(path)}\n" for path, text in files.items())


def reload_network() -> str:
    """Shell lines after which udev and networkd know the files."""
    return "udevadm control --reload\nnetworkctl reload\n"


def identity_script(host: Host, machine_id: str, now: float, seed: str) -> str:
    """The whole script that makes a restored twin into this host, before its LAN interfaces are plugged in.

    now is the time in seconds since 1970; seed is random text, since the twins share one random state too.
    """
    files = {
        "/proc/sys/kernel/hostname": host.name + "\n",
        "/etc/hostname": host.name + "\n",
        "/etc/machine-id": machine_id + "\n",
        "/etc/hosts": f"{_NOTE}127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 {host.name}\n",
    }
    for interface in host.interfaces:
        files.update(network_files(interface))
    if host.forwarding:
        files.update(forwarding_files(True))
    return (
        f"set -e\ndate -s @{now:.3f} > /dev/null\nprintf %s {shlex.quote(seed)} > /dev/urandom\n"
        # The journal's directory is named by the machine-id; by its new name journalctl finds it.
        f'read -r old < /etc/machine-id\nln -sfn "$old" /run/log/journal/{machine_id}\n'
        + write_files(files)
        # udev reads the .link files without a request, see _PAUSE.
        + "networkctl reload\n"
    )


def forwarding_files(forwarding: bool) -> dict[str, str]:
    """What a router is told, now and for its next boot; the same files take it back."""
    value = int(forwarding)
    kept = "".join(f"{name} = {value}\n" for name in _FORWARDING_SYSCTLS)
    return {_FORWARDING: _NOTE + kept, **{f"/proc/sys/{name}": f"{value}\n" for name in _FORWARDING_SYSCTLS}}


def forwarding_script(forwarding: bool) -> str:
    """The script that makes a running machine a router, or one that is none."""
    return "set -e\n" + write_files(forwarding_files(forwarding))


def readdress_script(
    interface: Interface, missing: tuple[str, ...], surplus: tuple[str, ...], surplus_routes: tuple[Route, ...] = ()
) -> str:
    """The script that gives a running machine's interface its addresses and routes, now and at its next boot."""
    lines = [f"ip address replace {shlex.quote(a)} dev {interface.name}\n" for a in missing]
    lines += [f"ip route del {r.to} via {r.via} dev {interface.name}\n" for r in surplus_routes]
    lines += [f"ip address del {shlex.quote(a)} dev {interface.name}\n" for a in surplus]
    # An address takes routes along when it goes, so all are given again.
    lines += [f"ip route replace {r.to} via {r.via} dev {interface.name}\n" for r in interface.routes]
    return "set -e\n" + write_files(network_files(interface)) + "".join(lines)


def plug_script(interface: Interface) -> str:
    """The script before an interface is plugged into a running machine."""
    return "set -e\n" + write_files(network_files(interface)) + reload_network()


def unplug_script(interface: Interface) -> str:
    """The script after an interface is gone from a running machine."""
    return "rm -f " + " ".join(network_files(interface)) + "\n" + reload_network()
