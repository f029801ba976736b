# SPDX-License-Identifier: GPL-3.0-or-later
"""QEMU's command line for a lab machine. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .errors import PathTooLong
from .hosts import MGMT_MAC

# No watchdogs, audit or CPU mitigations: each only costs time in a machine that lives for one test. norandmaps: QEMU
# keeps translated code by its address, so a library that each process has elsewhere is translated for each of them;
# without it a task of Ansible took 17 % less of the processor. systemd draws its progress anew all the while.
KERNEL_COMMAND = (
    "root=/dev/vda rw rootflags=noatime console=ttyS0 mitigations=off norandmaps nowatchdog audit=0 random.trust_cpu=on"
    " loglevel=4 panic=-1 systemd.show_status=error systemd.unit=multi-user.target"
)
# MiB for translated code: when it is full, all of it is thrown away.
TRANSLATED = 256
DISK, RAM, STATE, KERNEL, INITRD = "disk.raw", "ram", "state", "vmlinuz", "initrd"
# Where a machine finds the package proxy in its management network. roles/lab configures apt in the machine with it.
PACKAGE_PROXY = "10.0.2.100:3128"
_SOCKET_PATH_BYTES = 107  # sun_path has 108, one of them for the closing NUL


# How the modules take a Machine.
MACHINE_OPTIONS = {
    "qemu": {"type": "str", "required": True},
    "accelerator": {"type": "str", "required": True},
    "cpu": {"type": "str", "required": True},
    "memory": {"type": "int", "required": True},
}


@dataclass(frozen=True)
class Machine:
    """What a snapshot depends on: it can be loaded only by a machine with exactly these. memory in MiB."""

    qemu: str
    accelerator: str
    cpu: str
    memory: int
    # i440FX: PCI hotplug through ACPI is at once there, where q35's slots take seconds.
    machine: str = "pc"
    layout: int = 4  # raise it when the devices below change, or what is made of kernel and initrd
    kernel_command: str = KERNEL_COMMAND

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for the image's manifest and key."""
        return asdict(self)


def check_socket_path(path: Path) -> str:
    """The path as text; raises PathTooLong."""
    text = str(path)
    if len(text.encode()) > _SOCKET_PATH_BYTES:
        rule = f"has {len(text.encode())} bytes, and the kernel allows {_SOCKET_PATH_BYTES}"
        remedy = "set LVS_LAB_DIR (lab_dir) to a shorter directory, or shorten the name of the lab or the host"
        raise PathTooLong("socket path", text, rule, remedy)
    return text


def _comma(value: Path | str) -> str:
    """QEMU's options take a comma in a value when it is doubled."""
    return str(value).replace(",", ",,")


def _management(port: int, proxy: Sequence[str]) -> str:
    """The management network: ssh from this machine, connections to the package proxy, and nothing else.

    With `restrict`, QEMU resets every other connection of the guest and drops its other packets, also those for names.
    """
    network = "user,id=mgmt,ipv6=off,restrict=on"
    if port:
        network += f",hostfwd=tcp:127.0.0.1:{port}-:22"
    if proxy:
        network += f",guestfwd=tcp:{PACKAGE_PROXY}-cmd:{_comma(shlex.join(proxy))}"
    return network


def qemu_argv(
    machine: Machine, image: Path, run: Path, disk: Path, port: int, restore: bool, proxy: Sequence[str] = ()
) -> list[str]:
    """The command of one machine; restore: wait for the snapshot, on a private copy of its memory.

    The machine's memory is a file. The first boot shares it, so that the file is the memory; every restore maps it
    privately, so the machines share what they do not write, and nothing has to be read before they run. The port 0 is
    for the first boot, which needs no way in. `proxy` is the command that serves a connection to PACKAGE_PROXY.
    """
    accelerator = "kvm" if machine.accelerator == "kvm" else f"tcg,thread=multi,tb-size={TRANSLATED}"
    argv = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none"]
    argv += ["-machine", f"{machine.machine},memory-backend=ram0", "-accel", accelerator, "-cpu", machine.cpu]
    argv += ["-smp", "1", "-m", str(machine.memory), "-rtc", "base=utc"]
    share = "off" if restore else "on"
    argv += [
        "-object",
        f"memory-backend-file,id=ram0,size={machine.memory}M,share={share},mem-path={_comma(image / RAM)}",
    ]
    argv += ["-kernel", str(image / KERNEL), "-initrd", str(image / INITRD), "-append", machine.kernel_command]
    # What a lab machine writes may be lost with the host's power; that makes it much faster.
    kind = "qcow2" if restore else "raw"
    argv += ["-drive", f"if=none,id=disk0,cache=unsafe,discard=unmap,format={kind},file={_comma(disk)}"]
    argv += ["-device", "virtio-blk-pci,drive=disk0"]
    argv += ["-netdev", _management(port, proxy)]
    argv += ["-device", f"virtio-net-pci,netdev=mgmt,mac={MGMT_MAC},romfile="]
    # An emulated processor has no source of randomness of its own, and a quiet machine gathers little.
    argv += ["-device", "virtio-rng-pci"]
    argv += ["-device", "virtio-serial-pci", "-device", "vmgenid,guid=auto"]
    argv += _socket("agent", run / "agent.sock")
    argv += ["-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"]
    argv += _socket("monitor", run / "monitor.sock")
    argv += ["-mon", "chardev=monitor,mode=control"]
    argv += ["-chardev", f"file,id=console,path={_comma(run / 'console.log')}", "-serial", "chardev:console"]
    argv += ["-pidfile", str(run / "pid")]
    return argv + (["-incoming", "defer", "-S"] if restore else [])


def _socket(name: str, path: Path) -> list[str]:
    check_socket_path(path)
    return ["-chardev", f"socket,id={name},server=on,wait=off,path={_comma(path)}"]
