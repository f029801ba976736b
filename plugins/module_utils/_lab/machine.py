# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting, changing and ending one lab machine."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from . import guest, process
from .channel import Agent, Monitor
from .errors import AGAIN, UP_AGAIN, GuestFailed, LabError, MachineDied, SnapshotRefused
from .hosts import Host, Interface, derive_machine_id
from .image import Image, forget_image, read_image
from .launch import QEMU, begin_qemu, excerpt
from .plan import LabOperation, Running
from .qemu import DISK, STATE, qemu_argv


class LabMachine:
    """One host's machine, in its directory below the lab's."""

    def __init__(self, lab_dir: Path, name: str, seconds: float, proxy: Sequence[str] = ()):
        self.name, self._lab, self._seconds, self._proxy = name, lab_dir, seconds, proxy
        self.run = lab_dir / name

    @property
    def _marker(self) -> str:
        return str(self.run / "pid")

    def alive(self) -> bool:
        """Whether its QEMU runs."""
        return process.find(QEMU, self._marker) is not None

    def made_as(self) -> Host | None:
        """What it was made as; None when its making was not finished."""
        try:
            return Host.from_dict(json.loads((self.run / "machine.json").read_text()))
        except (OSError, ValueError, KeyError):
            return None

    def _remember(self, host: Host) -> None:
        aside = self.run / "machine.json.new"
        aside.write_text(json.dumps(host.to_dict(), indent=2) + "\n")
        aside.replace(self.run / "machine.json")

    async def look(self) -> Running | None:
        """How it runs now; None when it does not, or was never finished."""
        host = self.made_as()
        if host is None or not self.alive():
            return None
        async with self._agent() as agent:
            return Running(host, await agent.addresses())

    @asynccontextmanager
    async def _agent(self) -> AsyncIterator[Agent]:
        agent = Agent(self.run / "agent.sock", self.name)
        try:
            yield await agent.connect(self._seconds)
        finally:
            agent.close()

    async def start(self, host: Host) -> None:
        """From the image to a host with its own identity, addresses and an open ssh port."""
        await self.end()
        image = read_image(Path(host.image))
        self.run.mkdir(parents=True)
        shutil.copytree(image.path / "ssh", self.run / "ssh")
        await self._overlay(image.path / DISK)
        disk = self.run / "disk.qcow2"
        argv = qemu_argv(image.machine, image.path, self.run, disk, host.port, restore=True, proxy=self._proxy)
        process = await begin_qemu(argv, self.run)
        work = asyncio.ensure_future(self._bring_up(host, image))
        death = asyncio.ensure_future(process.wait())
        await asyncio.wait({work, death}, return_when=asyncio.FIRST_COMPLETED)
        await self._verdict(work, death, image.path)
        self._remember(host)

    async def _verdict(self, work: asyncio.Future[None], death: asyncio.Future[int], image: Path) -> None:
        """Raise what went wrong, with the excerpt; a machine that was not finished is ended."""
        if work.done() and not work.exception():
            death.cancel()
            return
        error = work.exception() if work.done() else None
        if error is not None and not death.done():
            await asyncio.wait({death}, timeout=0.5)  # when QEMU dies, the channels close first
        died = death.done()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        if not died:
            death.cancel()
            await asyncio.to_thread(process.end, QEMU, self._marker)
        if isinstance(error, SnapshotRefused):
            forget_image(image)
            rule = f"did not start from the snapshot in {image}, which QEMU refused and which is now marked as unusable"
            remedy = "run lvs.cluster.lab_up again, which builds a new one"
            raise SnapshotRefused(self.name, None, rule, remedy, f" {error}{excerpt(self.run)}") from error
        if died:
            rule = f"has ended by itself (exit status {death.result()})"
            raise MachineDied(self.name, None, rule, AGAIN, excerpt(self.run))
        raise MachineDied(self.name, None, "did not start", AGAIN, f" {error}{excerpt(self.run)}") from error

    async def _overlay(self, base: Path) -> None:
        process = await asyncio.create_subprocess_exec(
            *("qemu-img", "create", "-q", "-f", "qcow2", "-b", str(base), "-F", "raw", str(self.run / "disk.qcow2")),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        words = (await process.communicate())[0].decode(errors="replace").strip()
        if process.returncode:
            remedy = f"correct that and {UP_AGAIN}"
            raise LabError(f"disk of {self.name}", str(self.run / "disk.qcow2"), f"cannot be created: {words}", remedy)

    async def _bring_up(self, host: Host, image: Image) -> None:
        monitor = await Monitor(self.run / "monitor.sock").connect()
        try:
            await monitor.share_memory()
            await monitor.execute("migrate-incoming", uri=f"exec:cat {shlex.quote(str(image.path / STATE))}")
            await monitor.finish_migration("loading the snapshot")
            await monitor.execute("cont")
            async with self._agent() as agent:
                seed = base64.b64encode(os.urandom(48)).decode()
                machine_id = derive_machine_id(self._lab.name, host.name)
                await agent.run(guest.identity_script(host, machine_id, time.time(), seed), "giving it its identity")
                for interface in host.interfaces:
                    await self._plug(monitor, interface)
                await asyncio.gather(self._wait_addresses(agent, host.interfaces), self._wait_ssh(host.port))
        finally:
            await monitor.close()

    async def _plug(self, monitor: Monitor, interface: Interface) -> None:
        switch = str(self._lab / f"{interface.segment}.switch")
        await monitor.execute("netdev_add", type="vde", id=f"net-{interface.name}", sock=switch)
        device = {"driver": "virtio-net-pci", "netdev": f"net-{interface.name}", "mac": interface.mac, "romfile": ""}
        await monitor.execute("device_add", id=f"nic-{interface.name}", **device)

    async def _unplug(self, monitor: Monitor, interface: Interface) -> None:
        await monitor.execute("device_del", id=f"nic-{interface.name}")
        deadline = time.monotonic() + 20.0
        while f"nic-{interface.name}" in {
            i["name"] for i in await monitor.execute("qom-list", path="/machine/peripheral")
        }:
            if time.monotonic() > deadline:
                rule = "has not been released by the guest in 20 s"
                raise GuestFailed(f"interface of {self.name}", interface.name, rule, "restart the guest")
            await asyncio.sleep(0.1)
        await monitor.execute("netdev_del", id=f"net-{interface.name}")

    async def _wait_addresses(self, agent: Agent, interfaces: tuple[Interface, ...]) -> None:
        deadline = time.monotonic() + self._seconds
        while True:
            now: dict[str, frozenset[str]] = {}
            with suppress(GuestFailed):  # the agent fails when udev gives an interface its name just then
                now = await agent.addresses()
            lacking = [f"{a} on {i.name}" for i in interfaces for a in i.addresses if a not in now.get(i.name, ())]
            if not lacking:
                return
            if time.monotonic() > deadline:
                rule = f"has not got {', '.join(lacking)} in {self._seconds:.0f} s"
                raise GuestFailed(self.name, None, rule, AGAIN)
            await asyncio.sleep(0.4)  # asking costs the guest time, too

    async def _wait_ssh(self, port: int) -> None:
        """Until sshd says its banner: the port alone is QEMU's and opens at once."""
        deadline = time.monotonic() + self._seconds
        while time.monotonic() < deadline:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                banner = await asyncio.wait_for(reader.read(4), max(0.1, deadline - time.monotonic()))
                writer.close()
                if banner == b"SSH-":
                    return
            except (OSError, asyncio.TimeoutError):
                pass
            await asyncio.sleep(0.2)
        raise GuestFailed(f"ssh port of {self.name}", port, f"has not answered in {self._seconds:.0f} s", AGAIN)

    async def change(self, operations: list[LabOperation]) -> None:
        """Carry out plug, unplug, readdress and forward operations on a machine that runs."""
        monitor = await Monitor(self.run / "monitor.sock").connect()
        try:
            async with self._agent() as agent:
                for operation in operations:
                    await self._change(monitor, agent, operation)
                host = operations[-1].host
                if host is not None:
                    await self._wait_addresses(agent, host.interfaces)
                    self._remember(host)
        finally:
            await monitor.close()

    async def _change(self, monitor: Monitor, agent: Agent, operation: LabOperation) -> None:
        if operation.kind == "forward" and operation.host:
            await agent.run(guest.forwarding_script(operation.host.forwarding), operation.text)
            return
        interface = operation.interface
        if interface is None:
            raise ValueError(operation)
        if operation.kind == "plug":
            await agent.run(guest.plug_script(interface), operation.text)
            await self._plug(monitor, interface)
        elif operation.kind == "unplug":
            await self._unplug(monitor, interface)
            await agent.run(guest.unplug_script(interface), operation.text)
        else:
            changes = (operation.missing, operation.surplus, operation.surplus_routes)
            script = guest.readdress_script(interface, *changes)
            await agent.run(script, operation.text)

    async def end(self) -> bool:
        """End it: ask QEMU, then signals; then its directory goes. False when there was nothing."""
        there = self.run.exists()
        if self.alive():
            asked = 0.0
            try:
                monitor = Monitor(self.run / "monitor.sock")
                await monitor.connect(0.5)
                await monitor.execute("quit")
                await monitor.close()
                asked = 3.0
            except LabError:
                pass  # it does not listen: the signals will do
            await asyncio.to_thread(process.end, QEMU, self._marker, asked)
        if there:
            shutil.rmtree(self.run)
        return there
