# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the benchmarks in the lab: `make bench`, or some of them with LVS_BENCH="tasks sites"."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from pathlib import Path

from lab_access import PROJECT, lab_hosts

from bench import big_table, imports, lab_start, one_task, sites
from bench.figures import table
from bench.hosts import INVENTORY, Failed, on

GROUPS = {
    "lab": lab_start.measure,
    "tasks": one_task.measure,
    "imports": imports.measure,
    "sites": sites.measure,
    "many": sites.measure_many,
    "table": big_table.measure,
}
# The lab's machines keep what Python compiles of Ansible's modules, to spend less time in tests. Other hosts do not.
LIKE_ANY_HOST = "find /usr/lib/python3* /usr/local/lib -name lvs_lab_compiled.pth -delete"


def main(names: list[str]) -> int:
    """Run the named groups or all; return the exit status, which says nothing of goals."""
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        print(f"no such group: {', '.join(unknown)}; choose from {', '.join(GROUPS)}", file=sys.stderr)
        return 2
    figures, began = [], time.time()
    try:
        for name in names or GROUPS:
            print(f"--- {name}", flush=True)
            if name != "lab":
                for host in lab_hosts(INVENTORY):
                    on(host, LIKE_ANY_HOST)
            figures += GROUPS[name]()
    except Failed as failure:
        print(failure, file=sys.stderr)
        return 1
    print("", *table(figures), sep="\n")
    path = Path(os.environ.get("LVS_BENCH_FILE", PROJECT / "build" / "bench.json"))
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "began": int(began),
        "seconds": round(time.time() - began),
        "controller": {"system": platform.platform(), "python": platform.python_version(), "cpus": os.cpu_count()},
        "guest": on("director", "uname -sr; python3 --version").split("\n")[:2],
        "figures": [figure.as_values() for figure in figures],
    }
    path.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    print(f"\nAll readings are in {path}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
