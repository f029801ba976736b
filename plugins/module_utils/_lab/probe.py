# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller has: programs, QEMU's version, an accelerator that works, a package mirror."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Callable

from .errors import LabError, MissingProgram

# Program to the Debian package that has it.
PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "vde_switch": "vde2",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
# How long KVM may take; where it works it needs a tenth of that.
FIRMWARE_SECONDS = 2.0
KERNEL_SECONDS = 6.0
# Under emulation the smallest CPU is the fastest: kernel and libraries choose plain code for it. Booting to the initrd
# and some work there took 12.5 s of processor time with qemu64, 14 to 15 s with Nehalem and with max (QEMU 7.2).
EMULATED_CPU = "qemu64"


def missing_programs(which: Callable[[str], str | None] = shutil.which) -> list[str]:
    """The programs that are not installed; mke2fs may be where only root looks."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    find = which if which is not shutil.which else (lambda name: shutil.which(name, path=path))
    return [program for program in PROGRAMS if not find(program)]


def packages_of(programs: Iterable[str]) -> list[str]:
    """The packages to install, each once."""
    return sorted({PROGRAMS[program] for program in programs})


def missing_message(programs: list[str]) -> str:
    """The sentence for a person who must install them."""
    return (
        f"The lab needs {', '.join(programs)}, not installed here; "
        f"on Debian: apt-get install --no-install-recommends {' '.join(packages_of(programs))}."
    )


def qemu_version() -> str:
    """QEMU's own words about its version; raises MissingProgram."""
    try:
        done = subprocess.run(["qemu-system-x86_64", "--version"], check=True, stdout=subprocess.PIPE, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        remedy = "install the package qemu-system-x86"
        raise MissingProgram("qemu-system-x86_64", None, f"does not run ({error})", remedy) from error
    return done.stdout.splitlines()[0].strip()


def host_cpu() -> str:
    """A name for this machine's CPU: a snapshot under KVM belongs to it."""
    text = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    stable = [line for line in text.splitlines() if re.match(r"(model name|model|stepping|flags|microcode)\b", line)]
    return hashlib.sha256("\n".join(stable).encode()).hexdigest()[:12]


def _guest_says(argv: list[str], says: Path, word: bytes, seconds: float) -> bool:
    """Whether a guest writes this word into that file in time; it is ended in any case."""
    null = subprocess.DEVNULL
    process = subprocess.Popen(argv, stdin=null, stdout=null, stderr=null)
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline and process.poll() is None:
            if says.exists() and word in says.read_bytes():
                return True
            time.sleep(0.05)
        return says.exists() and word in says.read_bytes()
    finally:
        process.kill()
        with suppress(subprocess.TimeoutExpired):  # it may hang in the kernel, and ends when that lets go
            process.wait(0.5)


def kvm_boots(kernel: Path | None, device: str = "/dev/kvm") -> bool:
    """Whether KVM really runs a guest. The device alone proves nothing, and neither does the firmware.

    There are machines where the device opens and hangs, and some where the firmware runs and a kernel does not: first
    the firmware, which says its name at once, then a kernel with no disk, which must come as far as missing that.
    """
    if not os.access(device, os.R_OK | os.W_OK):
        return False
    argv = ["qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-nodefaults", "-no-user-config", "-no-reboot"]
    argv += ["-display", "none", "-m", "256"]
    with tempfile.TemporaryDirectory() as directory:
        says = Path(directory, "firmware")
        ports = ["-chardev", f"file,id=says,path={says}", "-device", "isa-debugcon,iobase=0x402,chardev=says"]
        if not _guest_says(argv + ports, says, b"SeaBIOS", FIRMWARE_SECONDS):
            return False
        if kernel is None:
            return True
        says = Path(directory, "console")
        ports = ["-chardev", f"file,id=says,path={says}", "-serial", "chardev:says", "-kernel", str(kernel)]
        ports += ["-append", "console=ttyS0 panic=-1"]
        return _guest_says(argv + ports, says, b"Unable to mount root", KERNEL_SECONDS)


def cached_kernel(base: Path) -> Path | None:
    """The kernel of any image, to try KVM with."""
    return next(iter(sorted((base / "images").glob("[!.]*/vmlinuz"))), None)


def accelerator(base: Path, wanted: str, version: str, kernel: Path | None, remember: bool) -> str:
    """kvm or tcg. auto: what works, tried once per boot of this machine and version of QEMU; raises LabError.

    Without a kernel to try a yes is only likely, and is not kept.
    """
    if wanted == "tcg":
        return "tcg"
    note, boot = base / "accelerator.json", Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    question = {"boot": boot, "qemu": version, "user": os.getuid()}
    try:
        known = json.loads(note.read_text())
    except (OSError, ValueError):
        known = {}
    if all(known.get(key) == value for key, value in question.items()):
        works = bool(known.get("kvm"))
    else:
        kernel = kernel or cached_kernel(base)
        works = kvm_boots(kernel)
        if remember and (kernel or not works):
            base.mkdir(parents=True, exist_ok=True)
            note.write_text(json.dumps({**question, "kvm": works}))
    if wanted == "kvm" and not works:
        remedy = "set lab_accel to auto or tcg"
        raise LabError("lab_accel", wanted, "is not possible: KVM cannot run a guest on this machine", remedy)
    return "kvm" if works else "tcg"


def mirror_of(index_targets: str) -> str:
    """Debian's package mirror out of apt's own list of sources (origin, label and address a line); empty: none."""
    for line in index_targets.splitlines():
        words = line.split()
        if len(words) == 3 and words[:2] == ["Debian", "Debian"] and words[2].startswith(("http:", "https:")):
            return words[2].rstrip("/")
    return ""


def find_mirror() -> str:
    """The mirror that this machine's apt uses; empty when it has none, so that mmdebstrap takes its own default."""
    form = "$(ORIGIN) $(LABEL) $(REPO_URI)"
    try:
        done = subprocess.run(
            ["apt-get", "indextargets", "--format", form, "Identifier: Packages"],
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return mirror_of(done.stdout)
