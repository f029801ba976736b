# SPDX-License-Identifier: GPL-3.0-or-later
"""A table of 1,000 services with 10 servers each: the module's whole process against ipvsadm's, on the same host."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

from ansible_collections.lvs.cluster.plugins.plugin_utils._restore.program import restore_program

from bench.figures import Figure, ratios
from bench.hosts import by_turns, keep_process, on, seconds
from bench.turns import FILES

HOST = "director"
SERVICES, SERVERS = 1000, 10
VIP, PORT = "198.51.100.1", 10000
ROUNDS = 3
CLEAR = ["ipvsadm", "-C"]


def services(first_weight: int) -> list[dict[str, Any]]:
    """Return the declared services; the very first server has this weight, all others 1."""
    return [
        {
            "address": VIP,
            "port": PORT + number,
            "scheduler": "rr",
            "real_servers": [
                {"address": f"203.0.113.{server + 1}", "weight": first_weight if number == server == 0 else 1}
                for server in range(SERVERS)
            ],
            "purge": True,
        }
        for number in range(SERVICES)
    ]


def rules(first_weight: int) -> Iterator[str]:
    """The same in ipvsadm's format."""
    for service in services(first_weight):
        name = f"{service['address']}:{service['port']}"
        yield f"-A -t {name} -s {service['scheduler']}"
        for server in service["real_servers"]:
            yield f"-a -t {name} -r {server['address']}:{service['port']} -g -w {server['weight']}"


def keep_apply(name: str, weight: int, module: str = "lvs.cluster.ipvs_table") -> list[str]:
    """Return the command that applies the big table, whose first server has this weight, as Ansible would have it."""
    return keep_process(HOST, name, {module: {"services": services(weight), "purge": True}})


def keep_restore() -> list[str]:
    """Return the command that brings the table back as at boot, without Ansible."""
    packed = base64.encodebytes(restore_program()).decode()
    on(HOST, f"base64 -d > {FILES}/restore.pyz", packed)
    on(HOST, f"cat > {FILES}/declared.json", json.dumps({"services": services(1)}))
    return ["python3", f"{FILES}/restore.pyz", f"{FILES}/declared.json"]


def measure() -> list[Figure]:
    """Measure all that concerns the big table; the host's own table is lost."""
    on(HOST, f"mkdir -p {FILES} && ipvsadm -C && cat > {FILES}/rules", "\n".join(rules(1)) + "\n")
    ours, other, handed = keep_apply("ours", 1), keep_apply("other", 2), keep_apply("handed", 1, "hand_back")
    restore = keep_restore()
    first = ["-t", f"{VIP}:{PORT}", "-r", f"203.0.113.1:{PORT}"]
    readings = by_turns(
        HOST,
        ROUNDS,
        [
            {"name": "ipvsadm -R", "before": [CLEAR], "command": ["ipvsadm", "-R"], "stdin": f"{FILES}/rules"},
            {"name": "apply", "before": [CLEAR], "command": ours},
            {"name": "ipvsadm -Sn", "command": ["ipvsadm", "-Sn"]},
            {"name": "no change", "command": ours},
            {"name": "change a weight", "command": other},
            {"name": "ipvsadm -e", "command": ["ipvsadm", "-e", *first, "-g", "-w", "1"]},
            {"name": "Ansible alone", "command": handed},
            {"name": "restore", "before": [CLEAR], "command": restore},
        ],
    )
    compare_tables()
    on(HOST, "ipvsadm -C")
    took = {name: seconds(each) for name, each in readings.items()}
    size = f"{SERVICES:,} services x {SERVERS} servers"
    return [
        Figure(f"{size}, to an empty table", "ipvsadm -R", ratios(took["apply"], took["ipvsadm -R"]), 0.25, "", took),
        Figure("the same, no change", "ipvsadm -Sn", ratios(took["no change"], took["ipvsadm -Sn"]), 1.0),
        Figure("Ansible alone, given the same options", "no change", ratios(took["Ansible alone"], took["no change"])),
        Figure("1 weight of them changed", "no change", ratios(took["change a weight"], took["no change"]), 1.05),
        Figure("1 weight of them changed", "ipvsadm -e", ratios(took["change a weight"], took["ipvsadm -e"])),
        Figure("the restoring program, to an empty table", "ipvsadm -R", ratios(took["restore"], took["ipvsadm -R"])),
        Figure(
            "peak memory of the first",
            "",
            [one["peak_kib"] / 1024 for one in readings["apply"]],
            80,
            "MiB",
            {name: [one["peak_kib"] for one in each] for name, each in readings.items()},
        ),
    ]


def compare_tables() -> None:
    """See that what was measured did what it should: ipvsadm tells the declared rules."""
    told = sorted(on(HOST, "ipvsadm -Sn").splitlines())
    if told != sorted(rules(1)):
        raise AssertionError(f"The table is not as declared: {json.dumps(told[:5])} ...")
