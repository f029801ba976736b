# SPDX-License-Identifier: GPL-3.0-or-later
"""Random tables on real kernels: what we write others read the same, what others write we read the same."""

from __future__ import annotations

from itertools import islice

import ipvsadm
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.describe import service_options
from hypothesis import strategies as st
from ipvs_strategies import relocated, some, tables
from kernels import RANDOM, command, run

# So many tables are in the kernel at once: starting a program costs more than what it does.
TOGETHER = 50
TABLES = ("ipvsadm", "-Sn"), ("ipvsadm", "-Ln", "--thresholds")


def groups(values: list):
    """Yield the values in groups, as (block number, value)."""
    numbered = enumerate(values)
    while group := list(islice(numbered, TOGETHER)):
        yield [(number % TOGETHER, value) for number, value in group]


def options_of(table: dict) -> list[dict]:
    """Return the options of ipvs_table that ask for exactly this table."""
    return [{**service_options(key, *state), "purge": True} for key, state in table.items()]


def plain(services: list[dict]) -> dict:
    """Return services in a form that does not depend on the order of the table or of its flags."""
    return {
        ipvsadm.key_of(service): {
            **{name: value for name, value in service.items() if name not in ("purge", "real_servers")},
            "scheduler_flags": set(service["scheduler_flags"]),
            "real_servers": sorted(service["real_servers"], key=str),
        }
        for service in services
    }


def test_ipvsadm_reads_what_we_write(kernel, count):
    """And a second run has nothing to do, and what ipvs_info tells is what was asked."""
    random_tables = some(tables(), RANDOM)
    for group in groups(random_tables):
        wanted = [service for block, table in group for service in options_of(relocated(table, block))]
        asked = {"services": wanted, "purge": True}
        done, again, info, saved, thresholds = kernel.batch(
            run("ipvs_table", **asked), run("ipvs_table", **asked), run("ipvs_info"), *(command(*one) for one in TABLES)
        )
        assert "msg" not in done
        assert again["operations"] == []
        assert plain(info["services"]) == plain(done["services"]) == plain(wanted)
        assert ipvsadm.parse_save(saved) == ipvsadm.expected(wanted)
        assert ipvsadm.parse_thresholds(thresholds) == ipvsadm.expected_thresholds(wanted)
    count("tables written by us, read by ipvsadm", len(random_tables))


def test_we_read_what_ipvsadm_writes(kernel, count):
    """And what ipvs_info tells of it is, for ipvs_table, nothing to do."""
    random_tables = some(tables(), RANDOM)
    for group in groups(random_tables):
        wanted = [service for block, table in group for service in options_of(relocated(table, block))]
        wanted = ipvsadm.writable(wanted)
        _, _, info = kernel.batch(
            command("ipvsadm", "--clear"),
            command("ipvsadm", "--restore", stdin=ipvsadm.rules(wanted)),
            run("ipvs_info"),
        )
        assert plain(info["services"]) == plain(wanted)
        back = kernel.module("ipvs_table", services=info["services"], timeouts=info["timeouts"], purge=True)
        assert (back.get("msg"), back["operations"], back["writes"]) == (None, [], 0)
    count("tables written by ipvsadm, read by us", len(random_tables))


def test_one_table_turned_into_another(kernel, count):
    """Check mode tells what will be done, and writes nothing; one run does it; a second has nothing to do."""
    pairs = some(st.tuples(tables(), tables()), RANDOM)
    for group in groups(pairs):
        current, wanted = (
            [service for block, pair in group for service in options_of(relocated(pair[side], block))]
            for side in (0, 1)
        )
        asked = run("ipvs_table", services=wanted, purge=True)
        before, rehearsed, between, done, again, saved = kernel.batch(
            run("ipvs_table", services=current, purge=True),
            {**asked, "check": True},
            command("ipvsadm", "-Sn"),
            asked,
            asked,
            command("ipvsadm", "-Sn"),
        )
        assert "msg" not in before
        assert rehearsed["writes"] == 0
        assert ipvsadm.parse_save(between) == ipvsadm.expected(current)
        assert "msg" not in done
        assert (rehearsed["operations"], rehearsed["diff"]) == (done["operations"], done["diff"])
        assert done["writes"] == len(done["operations"])
        assert plain(done["services"]) == plain(wanted)
        assert ipvsadm.parse_save(saved) == ipvsadm.expected(wanted)
        assert (again["operations"], again["writes"]) == ([], 0)
    count("changes of one table into another", len(pairs))
