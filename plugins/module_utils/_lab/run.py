# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole lab: all its switches and machines, brought to what the inventory says, or ended."""

from __future__ import annotations

import asyncio
import fcntl
import inspect
import os
import shutil
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .._core.errors import ErrorGroup
from . import package_proxy, process, switch
from .errors import LabError, PortTaken
from .hosts import Host, segments
from .image import check_space
from .launch import QEMU
from .machine import LabMachine
from .plan import LabOperation, LabPlan, Running, make_plan
from .qemu import check_socket_path

_MACHINE_SPACE = 256  # MiB that one machine may well write


@contextmanager
def locked(base: Path) -> Iterator[None]:
    """One run at a time changes the labs of one directory."""
    base.mkdir(parents=True, exist_ok=True)
    handle = os.open(base, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def check_port(host: Host) -> None:
    """Raises PortTaken unless the host's ssh port is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", host.port))
        except OSError as error:
            raise PortTaken(
                f"ssh port of {host.name}",
                host.port,
                f"cannot be opened on 127.0.0.1 ({error.strerror})",
                "end the program that uses it, or set LVS_LAB_SSH_BASE_PORT (lab_ssh_base_port) to another base",
            ) from None


class Lab:
    """One named lab below the base directory."""

    def __init__(self, base: Path, name: str, seconds: float, package_servers: Sequence[str] = ()):
        self.base, self.path, self._seconds = base, base / "run" / name, seconds
        self._proxy_program = self.path / "package_proxy.py"
        # -I: neither the environment nor the current directory decides what it imports.
        self._proxy = [sys.executable, "-I", str(self._proxy_program), *package_servers]

    def machine(self, name: str) -> LabMachine:
        """The machine of one host."""
        return LabMachine(self.path, name, self._seconds, self._proxy)

    def _names(self) -> list[str]:
        kept = {path.name for path in self.path.glob("*") if path.is_dir() and not path.name.endswith(".switch")}
        # The pid file's place tells a machine's name; its other files may lie elsewhere.
        running = {path.parent.name for path in process.below(QEMU, self.path) if path.name == "pid"}
        return sorted(kept | running)

    async def look(self) -> dict[str, Running]:
        """Every machine that runs."""
        names = self._names()
        states = await asyncio.gather(*(self.machine(name).look() for name in names))
        return {name: state for name, state in zip(names, states) if state is not None}

    async def plan(self, hosts: Sequence[Host]) -> tuple[LabPlan, dict[str, Running]]:
        """What is to be done, after all that can be checked beforehand; raises LabError."""
        running = await self.look()
        known = {*segments(hosts), *switch.present(self.path)}
        plan = make_plan(hosts, running, {segment: switch.runs(self.path, segment) for segment in known})
        starts = plan.starts()
        for host in starts:
            if not self.machine(host.name).alive():  # one that was never finished still has its port
                check_port(host)
            check_socket_path(self.path / host.name / "monitor.sock")
        if starts:
            check_space(self.path, _MACHINE_SPACE * len(starts), f"{len(starts)} lab machines")
        return plan, running

    async def apply(self, plan: LabPlan) -> None:
        """Carry the plan out, all hosts at once; what fails for one host does not stop the others. Raises LabError."""
        self.path.mkdir(parents=True, exist_ok=True)
        # A file of the lab's own: the module's files are gone when the run ends.
        self._proxy_program.write_text(inspect.getsource(package_proxy))
        for operation in plan.switches:
            switch.start(self.path, operation.target)
        by_host: dict[str, list[LabOperation]] = {}
        for operation in plan.hosts:
            by_host.setdefault(operation.target, []).append(operation)
        results = await asyncio.gather(
            *(self._apply_host(n, ops) for n, ops in by_host.items()), return_exceptions=True
        )
        for operation in plan.unused:
            switch.end(self.path, operation.target)
        errors: list[LabError] = []
        for error in results:
            if isinstance(error, LabError):
                errors.append(error)
            elif error is not None:
                raise error
        if errors:
            raise ErrorGroup(errors) from errors[0]

    async def _apply_host(self, name: str, operations: list[LabOperation]) -> None:
        machine = self.machine(name)
        if operations[0].kind == "stop":
            await machine.end()
        elif operations[0].kind == "start" and operations[0].host:
            await machine.start(operations[0].host)
        else:
            await machine.change(operations)

    def exists(self) -> bool:
        """Whether there is anything of this lab: files, or processes whose files are gone."""
        return self.path.exists() or bool(self.ending())

    async def end(self) -> list[str]:
        """End every machine and switch, and remove the directory; what was ended, in words."""
        words = self.ending()
        await asyncio.gather(*(self.machine(name).end() for name in self._names()))
        for segment in switch.present(self.path):
            switch.end(self.path, segment)
        shutil.rmtree(self.path, ignore_errors=True)
        return words

    def ending(self) -> list[str]:
        """What end() would do, in words."""
        names, switches = self._names(), switch.present(self.path)
        return [f"end machine {name}" for name in names] + [f"end switch {segment}" for segment in switches]


def lab_names(base: Path) -> list[str]:
    """Every lab that has files or processes below the base directory."""
    runs = base / "run"
    running = [path for program in (QEMU, switch.PROGRAM) for path in process.below(program, runs)]
    return sorted({path.name for path in runs.glob("*") if path.is_dir()} | {path.parts[0] for path in running})
