# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the benchmarks, most of them in the lab: `make bench`, or some of them with LVS_BENCH="tasks sites"."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from pathlib import Path

from lab_access import PROJECT

from bench import big_table, failover, imports, lab_start, one_task, sites
from bench.figures import table
from bench.hosts import Failed, on

GROUPS = {
    "lab": lab_start.measure,
    "tasks": one_task.measure,
    "imports": imports.measure,
    "sites": sites.measure,
    "many": sites.measure_many,
    "table": big_table.measure,
    "failover": failover.measure,
}
# Groups that run in network namespaces of this machine, and need no lab.
HERE = {"failover"}


def main(names: list[str]) -> int:
    """Run the named groups or all; return the exit status: whether all could be measured, and nothing of goals."""
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        print(f"no such group: {', '.join(unknown)}; choose from {', '.join(GROUPS)}", file=sys.stderr)
        return 2
    figures, failures, guest, began = [], [], [], time.time()
    for name in names or GROUPS:
        print(f"--- {name}", flush=True)
        try:
            figures += GROUPS[name]()
            if name not in HERE:
                guest = guest or on("director", "uname -sr; python3 --version").splitlines()
        except Failed as failure:  # what the others took is told all the same
            failures.append(f"{name}: {failure}")
            print(failures[-1], file=sys.stderr, flush=True)
    print("", *table(figures), sep="\n")
    path = Path(os.environ.get("LVS_BENCH_FILE", PROJECT / "build" / "bench.json"))
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "began": int(began),
        "seconds": round(time.time() - began),
        "controller": {"system": platform.platform(), "python": platform.python_version(), "cpus": os.cpu_count()},
        "guest": guest,
        "figures": [figure.as_values() for figure in figures],
    }
    path.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    print(f"\nAll readings are in {path}.", *failures, sep="\n")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
