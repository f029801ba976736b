# SPDX-License-Identifier: GPL-3.0-or-later
"""Each bad input is refused with its own words, before anything is done."""

from __future__ import annotations

import importlib
import re

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import Timeouts
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.operations import simulate
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import parse_service
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.plan import plan_services
from ansible_collections.lvs.cluster.plugins.module_utils._table.run import Snapshot
from argument_specs import BadOptions, validated
from ipvs_bad_input import CASES, TABLE, Case

SEEN = Snapshot(
    simulate({}, plan_services({}, [parse_service(service) for service in TABLE]).operations),
    {},
    Timeouts(900, 120, 300),
    {},
    {},
)


def error_of(case: Case) -> BadOptions | LvsError:
    """Return the error with which the module ends, when it finds the table as it is in SEEN."""
    module = importlib.import_module(f"ansible_collections.lvs.cluster.plugins.modules.{case.module}")
    rehearsal = [True] if case.module == "ipvs_table" else []
    with pytest.raises((BadOptions, LvsError)) as raised:
        module.parse(validated(case.module, case.options), *rehearsal).decide(SEEN)
    return raised.value


def plain(message: str) -> str:
    """Return a message without that by which an older ansible-core's words differ from this one's: how a type is named."""
    return re.sub(
        r"of type (<class '(\w+)'>|\w+) and we were unable to convert to (\w+): .*", r"unable to convert to \3", message
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input(case, error_words):
    error = error_of(case)
    if isinstance(error, LvsError):
        assert error_words(error, case.name) == case.error
    else:
        assert plain(str(error)) == plain(case.error)
        assert any(char in case.error for char in ";:"), "an error tells what to do"


def test_there_are_enough_of_them():
    assert len({case.name for case in CASES}) == len({str(error_of(case)) for case in CASES}) == len(CASES) >= 40
