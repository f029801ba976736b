# SPDX-License-Identifier: GPL-3.0-or-later
"""The two ways to speak to a lab machine: QEMU's monitor (QMP) and the agent in the guest."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from .._core.errors import LibraryMissing
from .errors import AGAIN, UP_AGAIN, GuestFailed, LabError, SnapshotRefused

QMP_ERROR: BaseException | None = None
try:
    from qemu.qmp import QMPClient
    from qemu.qmp.error import QMPError
except ImportError as error:  # reported by require_qmp
    QMP_ERROR = error


def require_qmp() -> None:
    """Raise LibraryMissing without QEMU's library for its monitor."""
    if QMP_ERROR:
        raise LibraryMissing("qemu.qmp", "qemu.qmp (PyPI)", "QEMU's monitor") from QMP_ERROR


class Monitor:
    """QEMU's monitor, over qemu.qmp."""

    def __init__(self, path: Path):
        self._path = path
        self._client = QMPClient()

    async def connect(self, seconds: float = 20.0) -> Monitor:
        """Wait for the socket; raises LabError after so many seconds."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                await self._client.connect(str(self._path))
                return self
            except (QMPError, OSError) as error:
                if time.monotonic() > deadline:
                    raise LabError("QEMU's monitor", str(self._path), f"does not answer: {error}", AGAIN) from error
                await asyncio.sleep(0.02)

    async def close(self) -> None:
        """Let go of the monitor; the machine runs on."""
        with suppress(QMPError, OSError, EOFError):  # it has ended
            await self._client.disconnect()

    async def execute(self, command: str, **options: Any) -> Any:
        """One command; raises LabError with QEMU's words."""
        try:
            return await self._client.execute(command, {k.replace("_", "-"): v for k, v in options.items()})
        except (QMPError, OSError, EOFError) as error:
            raise LabError("QEMU", None, f"refused {command}: {str(error) or type(error).__name__}", AGAIN) from error

    async def share_memory(self) -> None:
        """Leave the memory out of the snapshot: it is a file of its own."""
        await self.execute("migrate-set-capabilities", capabilities=[{"capability": "x-ignore-shared", "state": True}])

    async def finish_migration(self, what: str) -> None:
        """Wait until the state is saved or loaded; raises SnapshotRefused."""
        while True:
            try:
                answer = await self.execute("query-migrate")
            except LabError as error:
                raise SnapshotRefused(what, None, "failed: QEMU ended", UP_AGAIN) from error
            if answer.get("status") == "completed":
                return
            if answer.get("status") in ("failed", "cancelled"):
                why = answer.get("error-desc") or answer["status"]
                raise SnapshotRefused(what, None, f"failed: {why}", UP_AGAIN)
            await asyncio.sleep(0.02)


class Agent:
    """The QEMU guest agent's JSON lines; it says no greeting, and may hold an answer to someone before us."""

    _numbers = itertools.count(int(time.time()))

    def __init__(self, path: Path, host: str):
        self._path, self._host, self._subject = path, host, f"{host}: the guest agent"

    async def connect(self, seconds: float) -> Agent:
        """Wait for the agent; raises GuestFailed after so many seconds."""
        deadline = time.monotonic() + seconds
        self._reader, self._writer = await asyncio.open_unix_connection(str(self._path), limit=1 << 24)
        while time.monotonic() < deadline:
            number = next(self._numbers)
            self._send("guest-sync", {"id": number})
            try:
                while (await self._answer(1.0)).get("return") != number:
                    pass
                return self
            except asyncio.TimeoutError:
                continue
        remedy = f"{AGAIN}, with less load on this machine"
        raise GuestFailed(self._subject, None, f"has not answered in {seconds:.0f} s", remedy)

    def _send(self, command: str, options: dict[str, Any] | None) -> None:
        message = {"execute": command, **({"arguments": options} if options else {})}
        self._writer.write(json.dumps(message).encode() + b"\n")

    async def _answer(self, seconds: float) -> dict[str, Any]:
        line = await asyncio.wait_for(self._reader.readline(), seconds)
        if not line:
            raise GuestFailed(self._subject, None, "has closed its channel", AGAIN)
        try:
            answer = json.loads(line.lstrip(b"\xff"))
        except ValueError:
            return {}  # the rest of a line that was cut by a reboot
        return answer if isinstance(answer, dict) else {}

    async def execute(self, command: str, **options: Any) -> Any:
        """One command of the agent; raises GuestFailed."""
        self._send(command, {key.replace("_", "-"): value for key, value in options.items()})
        try:
            answer = await self._answer(60.0)
        except asyncio.TimeoutError:
            raise GuestFailed(self._subject, None, f"has not answered {command} in 60 s", AGAIN) from None
        if "return" not in answer:
            why = answer.get("error", {}).get("desc", answer)
            raise GuestFailed(self._subject, None, f"refused {command}: {why}", AGAIN)
        return answer["return"]

    async def run(self, script: str, what: str, seconds: float = 60.0) -> str:
        """Run a shell script, given on standard input; its output; raises GuestFailed."""
        options = {"path": "/bin/sh", "input_data": base64.b64encode(script.encode()).decode(), "capture_output": True}
        pid = (await self.execute("guest-exec", **options))["pid"]
        deadline = time.monotonic() + seconds
        while True:
            status = await self.execute("guest-exec-status", pid=pid)
            if status["exited"]:
                break
            if time.monotonic() > deadline:
                raise GuestFailed(self._host, None, f"has not finished {what} in {seconds:.0f} s", AGAIN)
            await asyncio.sleep(0.1)
        if status.get("exitcode") != 0:
            words = base64.b64decode(status.get("err-data", "")).decode(errors="replace").strip()
            raise GuestFailed(self._host, None, f"failed at {what}: {words or status}", AGAIN)
        return base64.b64decode(status.get("out-data", "")).decode(errors="replace")

    async def addresses(self) -> dict[str, frozenset[str]]:
        """Every interface's addresses with prefix length."""
        found = {}
        for link in await self.execute("guest-network-get-interfaces"):
            listed = link.get("ip-addresses", [])
            found[link["name"]] = frozenset(f"{item['ip-address']}/{item['prefix']}" for item in listed)
        return found

    def close(self) -> None:
        """Let go of the agent's channel."""
        self._writer.close()
