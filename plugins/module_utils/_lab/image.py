# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache of images: what a key is made of, when an image may be believed, and who builds."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from .errors import UP_AGAIN, BadImage, NoSpace
from .guest import settle_script
from .process import arguments
from .qemu import DISK, INITRD, KERNEL, RAM, STATE, Machine

MANIFEST = "image.json"
PARTS = (DISK, RAM, STATE, KERNEL, INITRD, "ssh/id_ed25519", "ssh/known_hosts")
_OWNER = "owner.json"
OVERLAY_SCRIPT = "settle"


def image_key(release: str, machine: Machine, recipe: Mapping[str, Any], guest_files: Mapping[str, str]) -> str:
    """The name of an image: the release, and a hash over everything that makes it what it is.

    guest_files: path to a hash of the content. The mirror is no part of it: mirrors hold the same packages.
    """
    whole = {"release": release, "machine": machine.to_dict(), "recipe": dict(recipe), "files": dict(guest_files)}
    whole["settle"] = settle_script(())
    digest = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
    return f"{release}-{digest[:12]}"


def tree_hashes(root: Path) -> dict[str, str]:
    """Each file below root: its relative path to mode bit and hash."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_file():
            found[str(path.relative_to(root))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def content_hashes(guest_files: Path, overlays: Sequence[Path]) -> dict[str, str]:
    """Return path -> hash of the files of an image: those of the role, and those of each overlay in their order."""
    found = tree_hashes(guest_files)
    for number, overlay in enumerate(overlays):
        found.update({f"overlay {number}/{path}": content for path, content in tree_hashes(overlay).items()})
    return found


def overlay_scripts(overlays: Sequence[Path]) -> list[str]:
    """Return the scripts that the overlays have for the first boot; not every overlay has one."""
    return [path.read_text() for path in (overlay / OVERLAY_SCRIPT for overlay in overlays) if path.exists()]


@dataclass(frozen=True)
class Image:
    """An image that is complete."""

    path: Path
    machine: Machine
    release: str


def read_image(path: Path) -> Image:
    """The image in this directory; raises BadImage unless each part is there in the size that was noted."""
    try:
        manifest = json.loads((path / MANIFEST).read_text())
        for part in PARTS:
            if (path / part).stat().st_size != manifest["sizes"][part]:
                raise BadImage(str(path / part), None, "has not the size of the part that was built", UP_AGAIN)
        return Image(path, Machine(**manifest["machine"]), manifest["release"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadImage(str(path), None, f"has no complete image ({error})", "run lvs.cluster.lab_up") from error


def is_image(path: Path) -> bool:
    """Whether there is an image that may be believed."""
    try:
        read_image(path)
    except BadImage:
        return False
    return True


def forget_image(path: Path) -> None:
    """No one starts from it again; machines that run on it keep their files."""
    (path / MANIFEST).unlink(missing_ok=True)


def check_space(path: Path, mebibytes: int, what: str) -> None:
    """Raises NoSpace unless the file system of path has so much left."""
    existing = path
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free >> 20
    if free < mebibytes:
        raise NoSpace(
            str(path),
            None,
            f"has only {free} MiB free, and {what} needs {mebibytes} MiB",
            "make room there, or set LVS_LAB_DIR (lab_dir) to another directory",
        )


def owner_process(pid: int, parent_of: Callable[[int], int], words_of: Callable[[int], list[str]]) -> int:
    """The ansible process that lives as long as the whole build: from a module upwards, past the forked workers.

    Workers are forks with their parent's command line, so it is the last of those that are alike.
    """
    chain = []
    while pid > 1:
        chain.append(pid)
        pid = parent_of(pid)
    for place, candidate in enumerate(chain):
        words = words_of(candidate)
        if not any(os.path.basename(word).startswith("ansible") for word in words[:2]):
            continue
        last = candidate
        for above in chain[place + 1 :]:
            if words_of(above) != words:
                break
            last = above
        return last
    return chain[-1]


def _parent_of(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[1])


def _started(pid: int) -> str | None:
    """When a process began, in ticks since boot: with its number this names it for ever."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None


def me() -> dict[str, Any]:
    """Who builds."""
    pid = owner_process(os.getppid(), _parent_of, arguments)
    return {"pid": pid, "started": _started(pid), "boot": Path("/proc/sys/kernel/random/boot_id").read_text().strip()}


def owner_lives(building: Path) -> bool:
    """Whether the one who builds there is still at it."""
    try:
        owner = json.loads((building / _OWNER).read_text())
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        started = _started(owner["pid"])
        return bool(started and owner["boot"] == boot and owner["started"] == started)
    except (OSError, ValueError, KeyError):
        return False


class Cache:
    """The directory of images."""

    def __init__(self, base: Path):
        self.images = base / "images"

    def sweep(self) -> list[str]:
        """Remove what builders left who are no more; the names of what went."""
        gone = []
        for path in self.images.glob(".*"):
            if path.is_dir() and not owner_lives(path):
                shutil.rmtree(path, ignore_errors=True)
                gone.append(path.name)
        return gone

    def prune(self, release: str, keep: int = 3) -> None:
        """Remove all but the newest images of a release; a machine that runs on one has its files open."""
        images = [path for path in self.images.glob(f"{release}-*") if path.is_dir()]
        for path in sorted(images, key=lambda image: image.stat().st_mtime)[:-keep]:
            shutil.rmtree(path, ignore_errors=True)

    def begin(self, key: str, seconds: float) -> Path | None:
        """A directory to build in, ours alone; None when another built it meanwhile. Raises BadImage after the time."""
        final, building = self.images / key, self.images / f".building-{key}"
        deadline = time.monotonic() + seconds
        while not is_image(final):
            owned = self.images / f".claim-{key}-{os.getpid()}"
            owned.mkdir(parents=True)
            (owned / _OWNER).write_text(json.dumps(me()))
            try:
                owned.rename(building)  # fails when another's is there, since that is not empty
                return building
            except OSError:
                shutil.rmtree(owned)
            if not owner_lives(building):
                self.sweep()
            elif time.monotonic() > deadline:
                rule = f"has been in use by another run for {seconds:.0f} s"
                raise BadImage(str(building), None, rule, "wait for that run, or end it")
            else:
                time.sleep(1.0)
        return None

    def publish(self, building: Path, key: str, release: str, machine: Machine) -> Path:
        """Note the sizes and give the finished image its name; raises BadImage when a part is missing."""
        final = self.images / key
        missing = [part for part in PARTS if not (building / part).is_file()]
        if missing:
            raise BadImage(str(building), None, f"has an image without {', '.join(missing)}", UP_AGAIN)
        for part in PARTS:
            with open(building / part, "rb") as handle:
                os.fsync(handle.fileno())
        sizes = {part: (building / part).stat().st_size for part in PARTS}
        manifest = {"release": release, "machine": machine.to_dict(), "sizes": sizes}
        (building / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
        (building / _OWNER).unlink()
        if final.exists():  # not to be believed, or this would not have been built
            final.rename(self.images / f".old-{key}")
        building.rename(final)
        self.sweep()
        self.prune(release)
        return final
