# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks that find nothing to change, against a ping of the same host in the same play."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from bench.figures import Figure, ratios
from bench.hosts import HERE, Failed, play

HOST = "director"
PING = "ansible.builtin.ping"
ROUNDS = 7
WAIT = 1.0
SERVERS = [{"address": "192.168.91.4"}, {"address": "192.168.91.5"}]
SERVICE = {"address": "192.168.91.30", "port": 80, "scheduler": "rr", "real_servers": SERVERS}


class Task(NamedTuple):
    """A module with its options, what it may cost in pings, and the seconds that it is told to wait."""

    module: str
    options: dict[str, Any]
    goal: float
    wait: float = 0

    @property
    def action(self) -> dict[str, Any]:
        """The task's action, as a play has it."""
        return {f"lvs.cluster.{self.module}": self.options}


TASKS = (
    Task("ipvs_service", SERVICE, 1.15),
    Task("ipvs_table", {"services": [{**SERVICE, "purge": True}], "purge": True}, 1.15),
    Task("arp_sysctl", {"interfaces": ["all", "default", "lan0"], "arp_ignore": 1, "arp_announce": 2}, 1.15),
    Task("vip_owner_info", {"addresses": ["192.168.91.30"], "interface": "lan0", "timeout": WAIT}, 1.15, WAIT),
    Task("vip_iface", {"interface": "lan0", "addresses": ["192.168.91.30/32"]}, 1.5),
)


def measure() -> list[Figure]:
    """Measure each task by turns with a ping."""
    turns = []
    for task in TASKS:
        turns += [{"name": "ping", PING: {}}, {"name": task.module, **task.action}]
    once = [{"name": f"make it so: {task.module}", **task.action} for task in TASKS]
    with tempfile.TemporaryDirectory() as directory:
        lines = Path(directory) / "seconds"
        plays = [{"hosts": HOST, "gather_facts": False, "tasks": once + turns * ROUNDS}]
        play(
            plays,
            environment={
                "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"),
                "ANSIBLE_CALLBACKS_ENABLED": "task_seconds",
                "BENCH_TASK_SECONDS": str(lines),
            },
        )
        told = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()][len(once) :]
    changing = {one["task"] for one in told if one["changed"]}
    if changing:
        raise Failed(f"These tasks should have found nothing to change: {', '.join(sorted(changing))}.")
    return [_figure(task, told) for task in TASKS]


def _figure(task: Task, told: list[dict[str, Any]]) -> Figure:
    """Return the figure of one task: each of its runs over the ping just before it."""
    at = [number for number, one in enumerate(told) if one["task"] == task.module]
    took = [told[number]["seconds"] - task.wait for number in at]
    pings = [told[number - 1]["seconds"] for number in at]
    name = f"{task.module}, no change" if not task.module.endswith("_info") else f"{task.module}, without its wait"
    return Figure(name, "ping", ratios(took, pings), task.goal, "", {"seconds": took, "ping": pings})
