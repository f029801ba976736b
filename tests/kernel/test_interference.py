# SPDX-License-Identifier: GPL-3.0-or-later
"""Other programs at work on the table at the same time, and runs that are killed."""

from __future__ import annotations

import random

import ipvsadm
import pytest
from kernels import KILLS, run

WEB = {"address": "192.0.2.30", "port": 80, "scheduler": "rr"}
POOL = {**WEB, "real_servers": [{"address": "192.0.2.4", "upper_threshold": 10}]}


@pytest.mark.parametrize(
    ("method", "calls", "line", "operations"),
    [
        pytest.param(
            "batch",
            [1],
            "ipvsadm -A -t 192.0.2.40:80 -s wlc",
            [
                "change server 192.0.2.4:80 of tcp 192.0.2.30:80: upper_threshold 0 -> 10",
                "change service tcp 192.0.2.40:80: scheduler wlc -> rr",
            ],
            id="a service that we add is there",
        ),
        pytest.param(
            "batch",
            [2],
            "ipvsadm -d -t 192.0.2.30:80 -r 192.0.2.4:80",
            [
                "add service tcp 192.0.2.40:80 (scheduler rr)",
                "add server 192.0.2.4:80 to tcp 192.0.2.30:80 (direct, weight 1)",
            ],
            id="a server that we change is gone, after we looked again",
        ),
        pytest.param(
            "batch",
            [1],
            "ipvsadm -e -t 192.0.2.30:80 -r 192.0.2.4:80 -w 7",
            [
                "add service tcp 192.0.2.40:80 (scheduler rr)",
                "change server 192.0.2.4:80 of tcp 192.0.2.30:80: upper_threshold 0 -> 10",
            ],
            id="a server that we change was changed",
        ),
        pytest.param(
            "batch",
            [1],
            "ipvsadm --clear",
            [
                "add service tcp 192.0.2.40:80 (scheduler rr)",
                "add service tcp 192.0.2.30:80 (scheduler rr)",
                "add server 192.0.2.4:80 to tcp 192.0.2.30:80 (direct, weight 1)",
            ],
            id="the table was emptied",
        ),
    ],
)
def test_another_writer_is_noticed(kernel, method, calls, line, operations):
    """What was asked comes about, nothing that the other wrote is undone, and the person is told."""
    kernel.module("ipvs_service", **WEB, real_servers=[{"address": "192.0.2.4"}])
    request = run("ipvs_table", services=[POOL, {**WEB, "address": "192.0.2.40"}])
    interfere = {"before": method, "calls": calls, "commands": [line]}
    done = kernel.ask({**request, "kind": "interfered", "interfere": interfere})
    assert "msg" not in done
    assert sorted(done["operations"]) == sorted(operations)
    assert [text.partition(" (")[0] for text in done["warnings"]] == [
        "Another program changed the IPVS table during this run"
    ]
    assert kernel.ask(request)["operations"] == []
    saved = ipvsadm.parse_save(kernel.command("ipvsadm", "-Sn"))
    if "-w 7" in line:
        assert saved["-t 192.0.2.30:80"]["servers"]["192.0.2.4", 80]["weight"] == 7


def test_a_writer_that_never_rests(kernel):
    """Nobody's work is destroyed in a fight without end: the run gives up, and says against whom it may be."""
    kernel.module("ipvs_service", **WEB)
    request = run("ipvs_service", **{**WEB, "scheduler": "wrr"})
    lines = [f"ipvsadm -E -t 192.0.2.30:80 -s {scheduler}" for scheduler in ("lc", "wlc", "sed", "nq", "lblc", "lblcr")]
    # The first call of get() finds the family; then each attempt reads the service, the timeouts, and the service again.
    interfere = {"before": "get", "calls": [4, 7, 10, 13, 16, 19], "commands": lines, "one_each": True}
    done = kernel.ask({**request, "kind": "interfered", "interfere": interfere})
    assert done["msg"].startswith(
        "The IPVS table was changed by another program during each of 5 attempts (last: service tcp "
    )
    assert (done["operations"], done["writes"]) == ([], 0)


def test_killed_runs_heal(kernel, record_property):
    """Runs of a large change are killed at random moments: the next one heals, and what is kept is never gone."""
    web, mail = {**WEB, "port": 80}, {**WEB, "port": 25}
    kept = [{"address": "192.0.2.4"}]
    many = [{"address": f"10.1.{block}.{host}"} for block in range(3) for host in range(1, 151)]
    tables = [
        {"services": [{**web, "real_servers": [*kept, *many[:300]], "purge": True}, {**mail, "real_servers": kept}]},
        {
            "services": [
                {**web, "scheduler": "wlc", "real_servers": [*kept, *many[150:]], "purge": True},
                {**mail, "real_servers": [{"address": "192.0.2.4", "weight": 3}]},
                *({**WEB, "port": port, "real_servers": many[:20]} for port in range(100, 105)),
            ]
        },
    ]
    for table in tables:
        table["purge"] = True
    seed = random.randrange(1 << 32)
    told = kernel.ask(
        {
            **run("ipvs_table", services=[]),
            "kind": "killed",
            "tables": [run("ipvs_table", **table)["params"] for table in tables],
            "kept": {"TCP C000021E:0050": ["C0000204:0050"], "TCP C000021E:0019": ["C0000204:0019"]},
            "times": KILLS,
            "seed": seed,
        }
    )
    assert "unhealed" not in told, (seed, told)
    assert told["missing"] == [], seed
    assert told["unfinished"] > KILLS // 2, told
    assert told["looks"] > KILLS, told
    record_property(f"runs killed on {kernel.name}", told["unfinished"])
    record_property(f"looks at what is kept meanwhile on {kernel.name}", told["looks"])
