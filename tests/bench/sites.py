# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole runs that find nothing to change: site.yml against what people write from the how-to, and the director with many servers."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lab_access import lab_hosts

from bench.figures import Figure, ratios
from bench.hosts import HERE, INVENTORY, on, playbook, settled
from bench.turns import FILES

ROUNDS = 3
# Without the demo page, which is the lab's own, and without the proof on the wire, which the how-to does not have.
SITE = ("lvs.cluster.site", "-i", INVENTORY, "--skip-tags", "demo_page,verify")
WHOLE_SITE = ("lvs.cluster.site", "-i", INVENTORY, "--skip-tags", "demo_page")
# With the page: no server gets clients before it serves.
FIRST_SITE = ("lvs.cluster.site", "-i", INVENTORY, "--skip-tags", "verify")
HOWTO = (str(HERE / "howto.yml"), "-i", INVENTORY, "-e", "howto_vip=192.168.91.40")
NUMBERS = (2, 20, 200)
# As the interpreter that Ansible uses otherwise, by its same name: a program that is kept for the next boot begins with it.
COUNTING = f"""#!/bin/sh
echo run >> {FILES}/runs
exec {{python}} "$@"
"""


def measure() -> list[Figure]:
    """Measure site.yml and the how-to's playbook by turns, once both are in place."""
    for one in (FIRST_SITE, HOWTO, SITE, HOWTO):
        playbook(*one)
    site, howto, whole = [], [], []
    for number in range(ROUNDS):
        site.append(settled(*SITE))
        howto.append(settled(*HOWTO))
        whole.append(settled(*WHOLE_SITE))
        print(
            f"round {number + 1}: site {site[-1]:.1f} s, how-to {howto[-1]:.1f} s, with verify {whole[-1]:.1f} s",
            flush=True,
        )
    runs, their_runs = module_runs(SITE), module_runs(HOWTO)
    return [
        *(
            Figure(
                f"module runs of site.yml, no change, {host}",
                f"the how-to's: {their_runs[host]}",
                [runs[host]],
                6,
                "runs",
                {"site": runs, "howto": their_runs},
            )
            for host in ("director", "rs1")
        ),
        Figure(
            "site.yml, no change",
            "the how-to's second run",
            ratios(site, howto),
            0.6,
            "",
            {"site": site, "howto": howto},
        ),
        Figure("the same with verify", "the how-to's second run", ratios(whole, howto), None, "", {"seconds": whole}),
    ]


def measure_many() -> list[Figure]:
    """Measure the director's role with 2, 20 and 200 real servers by turns; all but two of them exist in the inventory only."""
    took: dict[int, list[float]] = {number: [] for number in NUMBERS}
    runs = {}
    with tempfile.TemporaryDirectory() as directory:
        commands = {number: _many(Path(directory), number) for number in NUMBERS}
        for turn in range(ROUNDS):
            for number, command in commands.items():
                playbook(*command)
                took[number].append(settled(*command))
                print(f"round {turn + 1}: {number} servers {took[number][-1]:.1f} s", flush=True)
        for number, command in commands.items():
            playbook(*command)
            runs[number] = module_runs(command)["director"]
        playbook(*commands[2])
    least, *more = NUMBERS
    figures = []
    for number in more:
        told = {"runs": [runs[number], runs[least]], "seconds": [took[number], took[least]]}
        figures += [
            Figure(f"module runs with {number} servers", f"with {least}", [runs[number] / runs[least]], 1.0, "", told),
            Figure(
                f"the director with {number} servers", f"with {least}", ratios(took[number], took[least]), 1.2, "", told
            ),
        ]
    return figures


def module_runs(command: Sequence[str]) -> dict[str, int]:
    """Run a playbook that changes nothing once more, and return how often Ansible began a Python on each host."""
    hosts = lab_hosts(INVENTORY)
    for host, access in hosts.items():
        write = f"mkdir -p {FILES} && cat > {FILES}/python && chmod +x {FILES}/python && : > {FILES}/runs"
        on(host, write, COUNTING.format(python=access.python))
    with tempfile.TemporaryDirectory() as directory:
        # A host's own variable: it goes before those of its groups, and leaves the controller its Python.
        counting = Path(directory) / "counting.json"
        variables = {"ansible_python_interpreter": f"{FILES}/python"}
        counting.write_text(json.dumps({"all": {"hosts": dict.fromkeys(hosts, variables)}}), encoding="utf-8")
        settled(*command, "-i", str(counting))
    return {host: int(on(host, f"wc -l < {FILES}/runs")) for host in hosts}


def _many(directory: Path, number: int) -> tuple[str, ...]:
    """Write an inventory of the servers that the lab has not, and return the playbook's command."""
    servers = {f"server{count}": {"realserver_address": f"192.168.91.{50 + count}"} for count in range(number - 2)}
    inventory, plays = directory / f"servers{number}.json", directory / "director.json"
    inventory.write_text(json.dumps({"realservers": {"hosts": servers}}))
    role = {"role": "lvs.cluster.director", "vars": {"director_prove_path": False}}
    plays.write_text(json.dumps([{"hosts": "directors", "gather_facts": False, "roles": [role]}]))
    return (str(plays), "-i", INVENTORY, "-i", str(inventory))
