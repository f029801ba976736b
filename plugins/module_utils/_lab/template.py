# SPDX-License-Identifier: GPL-3.0-or-later
"""An image's one boot: from its disk to the snapshot that every lab machine starts from."""

from __future__ import annotations

import asyncio
import shlex
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .channel import Agent, Monitor
from .errors import UP_AGAIN, LabError, MachineDied
from .guest import settle_script
from .image import overlay_scripts
from .kernel import unpacked_initrd, unpacked_kernel
from .launch import begin_qemu, excerpt
from .qemu import DISK, INITRD, KERNEL, RAM, STATE, Machine, qemu_argv


async def make_snapshot(image: Path, machine: Machine, seconds: float, overlays: Sequence[Path] = ()) -> None:
    """Boot the disk in this directory once and save the running system beside it; raises LabError.

    Kernel and initrd are unpacked in place first, for this boot and for those of the machines. The scripts of the
    overlays run in the machine before it is saved.
    """
    for part, unpacked in ((KERNEL, unpacked_kernel), (INITRD, unpacked_initrd)):
        (image / part).write_bytes(unpacked((image / part).read_bytes()))
    with tempfile.TemporaryDirectory(prefix="lvs-lab-") as directory:
        run = Path(directory)
        argv = qemu_argv(machine, image, run, image / DISK, 0, restore=False)
        process = await begin_qemu(argv, run)
        try:
            work = asyncio.ensure_future(_boot_and_save(image, run, settle_script(overlay_scripts(overlays)), seconds))
            death = asyncio.ensure_future(process.wait())
            await asyncio.wait({work, death}, return_when=asyncio.FIRST_COMPLETED, timeout=seconds)
            if work.done() and not work.exception():
                await asyncio.wait_for(death, 30.0)
                return
            await asyncio.wait({death}, timeout=0.5)
            how = f"ended (exit status {process.returncode})" if death.done() else "did not start"
            why = (work.exception() or "") if work.done() else f"not ready after {seconds:.0f} s"
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            raise MachineDied("The machine of the new image", None, how, UP_AGAIN, f" {why}{excerpt(run)}")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            shutil.copy(run / "console.log", image / "console.log")


async def _boot_and_save(image: Path, run: Path, settle: str, seconds: float) -> None:
    monitor = await Monitor(run / "monitor.sock").connect()
    try:
        agent = await Agent(run / "agent.sock", "the new image").connect(seconds)
        await agent.run(settle, "settling after its first boot", seconds)
        agent.close()
        await monitor.execute("stop")
        await monitor.share_memory()
        await monitor.execute("migrate", uri=f"exec:cat > {shlex.quote(str(image / STATE))}")
        await monitor.finish_migration("saving the snapshot")
        await monitor.execute("quit")
    except LabError:
        (image / RAM).unlink(missing_ok=True)
        raise
    finally:
        await monitor.close()
