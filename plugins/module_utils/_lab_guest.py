# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lab machine is told about itself: the files and the script that its agent runs. Pure."""

from __future__ import annotations

import shlex

from ansible_collections.lvs.cluster.plugins.module_utils._lab_hosts import Host, Interface

_NETWORK_DIR = "/etc/systemd/network"
_SPDX = "# SPDX-License-Identifier: GPL-3.0-or-later\n"


def network_files(interface: Interface) -> dict[str, str]:
    """The .link (its name) and .network (its addresses) of one LAN interface, path to content."""
    match = f"{_SPDX}[Match]\nMACAddress={interface.mac}\n\n"
    addresses = "".join(f"Address={address}\n" for address in interface.addresses)
    return {
        f"{_NETWORK_DIR}/20-{interface.name}.link": f"{match}[Link]\nName={interface.name}\n",
        f"{_NETWORK_DIR}/20-{interface.name}.network": (
            f"{match}[Link]\nRequiredForOnline=yes\n\n[Network]\n{addresses}DHCP=no\nLinkLocalAddressing=ipv6\n"
            # A VIP is set by others; networkd must not take it away when it configures the link again.
            "IPv6AcceptRA=no\nKeepConfiguration=static\n"
        ),
    }


def write_files(files: dict[str, str]) -> str:
    """Shell lines that write these files, each aside and then renamed."""
    lines = []
    for path, content in files.items():
        lines.append(f"printf %s {shlex.quote(content)} > {shlex.quote(path + '.new')}")
        lines.append(f"mv {shlex.quote(path + '.new')} {shlex.quote(path)}")
    return "".join(line + "\n" for line in lines)


def reload_network() -> str:
    """Shell lines after which udev and networkd know the files."""
    return "udevadm control --reload\nnetworkctl reload\n"


def identity_script(host: Host, machine_id: str, now: float, seed: str) -> str:
    """The whole script that makes a restored twin into this host, before its LAN interfaces are plugged in.

    now is the time in seconds since 1970; seed is random text, since the twins share one random state too.
    """
    files = {
        "/etc/hostname": host.name + "\n",
        "/etc/machine-id": machine_id + "\n",
        "/etc/hosts": f"{_SPDX}127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 {host.name}\n",
    }
    for interface in host.interfaces:
        files.update(network_files(interface))
    return (
        f"set -e\ndate -s @{now:.3f} > /dev/null\nprintf %s {shlex.quote(seed)} > /dev/urandom\n"
        + write_files(files)
        + f"hostname {shlex.quote(host.name)}\n"
        + reload_network()
        # The journal's directory is named by the machine-id; without this journalctl finds nothing.
        + "systemctl --no-block restart systemd-journald.service\n"
    )


def readdress_script(interface: Interface, missing: tuple[str, ...], surplus: tuple[str, ...]) -> str:
    """The script that gives a running machine's interface its addresses, now and at its next boot."""
    lines = [f"ip address replace {shlex.quote(a)} dev {interface.name}\n" for a in missing]
    lines += [f"ip address del {shlex.quote(a)} dev {interface.name}\n" for a in surplus]
    return "set -e\n" + write_files(network_files(interface)) + "".join(lines)


def plug_script(interface: Interface) -> str:
    """The script before an interface is plugged into a running machine."""
    return "set -e\n" + write_files(network_files(interface)) + reload_network()


def unplug_script(interface: Interface) -> str:
    """The script after an interface is gone from a running machine."""
    return "rm -f " + " ".join(network_files(interface)) + "\n" + reload_network()
