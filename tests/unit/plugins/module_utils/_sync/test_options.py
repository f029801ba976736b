# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of connection synchronisation at the door: what is taken, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import Owner
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import Daemon
from ansible_collections.lvs.cluster.plugins.module_utils._sync.model import shown_daemon
from ansible_collections.lvs.cluster.plugins.module_utils._sync.options import WantedSync

MASTER = {"state": "master", "interface": "eth0", "sync_id": 7}
BACKUP = {**MASTER, "state": "backup"}


def test_defaults_of_a_daemon():
    wanted = WantedSync.from_options({"daemons": [BACKUP, {**MASTER, "port": None, "group": ""}]})
    assert wanted.daemons == (
        Daemon("master", "eth0", 7, 0, "224.0.0.81", 8848, 1),
        Daemon("backup", "eth0", 7, 0, "224.0.0.81", 8848, 1),
    )
    assert (wanted.sysctls, wanted.present, wanted.purge, wanted.owner) == (None, True, False, Owner())


def test_what_ipvs_info_returns_is_taken():
    daemon = Daemon("master", "eth0", 255, 65487, "ff02::81", 1, 255)
    assert WantedSync.from_options({"daemons": [daemon._asdict()]}).daemons == (daemon,)
    assert shown_daemon(daemon) == daemon._asdict()
    assert WantedSync.from_options({"daemons": [{**MASTER, "group": "FF02:0::81"}]}).daemons[0].group == "ff02::81"


@pytest.mark.parametrize(("value", "numbers"), [([0, 0], (0, 0)), ([3, 50], (3, 50)), ([7, 0], (7, 0))])
def test_threshold(value, numbers):
    assert WantedSync.from_options({"sysctls": {"sync_threshold": value}}).sysctls == {"sync_threshold": numbers}


def test_sysctls_that_are_not_given_are_not_there():
    sysctls = {"sync_threshold": None, "sync_refresh_period": 10, "backup_only": 1}
    wanted = WantedSync.from_options({"sysctls": sysctls, "daemons": [BACKUP]})
    assert wanted.sysctls == {"sync_refresh_period": (10,), "backup_only": (1,)}


def test_absent_needs_nothing():
    wanted = WantedSync.from_options({"state": "absent", "owner": "web"})
    assert (wanted.daemons, wanted.sysctls, wanted.present, wanted.owner) == (None, None, False, Owner("web"))


BAD: list[tuple[dict[str, Any], str, Any]] = [
    ({}, "daemons", None),
    ({"daemons": 7}, "daemons", 7),
    ({"daemons": [7]}, "daemons", 7),
    ({"daemons": [{"state": "master", "interface": "eth0"}]}, "sync_id of daemons", None),
    ({"daemons": [{**MASTER, "state": "both"}]}, "state of daemon both", "both"),
    ({"daemons": [{**MASTER, "interface": "eth0:1"}]}, "interface of daemon master", "eth0:1"),
    ({"daemons": [{**MASTER, "sync_id": 0}]}, "sync_id of daemon master", 0),
    ({"daemons": [{**MASTER, "sync_id": 256}]}, "sync_id of daemon master", 256),
    ({"daemons": [{**MASTER, "max_length": 0}]}, "max_length of daemon master", 0),
    ({"daemons": [{**MASTER, "max_length": 65508}]}, "max_length of daemon master", 65508),
    ({"daemons": [{**MASTER, "max_length": 65488, "group": "ff02::81"}]}, "max_length of daemon master", 65488),
    ({"daemons": [{**BACKUP, "max_length": 1023}]}, "max_length of daemon backup", 1023),
    ({"daemons": [{**MASTER, "max_length": 1400}, {**BACKUP, "max_length": 1399}]}, "max_length of daemon backup", 1399),
    ({"daemons": [{**MASTER, "group": "192.0.2.1"}]}, "group of daemon master", "192.0.2.1"),
    ({"daemons": [{**MASTER, "group": "ff02::81%eth0"}]}, "group of daemon master", "ff02::81%eth0"),
    ({"daemons": [{**MASTER, "group": "all"}]}, "group of daemon master", "all"),
    ({"daemons": [{**MASTER, "port": 0}]}, "port of daemon master", 0),
    ({"daemons": [{**MASTER, "ttl": 256}]}, "ttl of daemon master", 256),
    ({"daemons": [MASTER, MASTER]}, "daemons", "master"),
    ({"daemons": [MASTER, BACKUP], "sysctls": {"backup_only": 1}}, "sysctls.backup_only", 1),
    ({"sysctls": []}, "sysctls", []),
    ({"sysctls": {"backup_only": 2}}, "sysctls.backup_only", 2),
    ({"sysctls": {"sync_retries": 4}}, "sysctls.sync_retries", 4),
    ({"sysctls": {"sync_refresh_period": 2147484}}, "sysctls.sync_refresh_period", 2147484),
    ({"sysctls": {"sync_threshold": 3}}, "sysctls.sync_threshold", 3),
    ({"sysctls": {"sync_threshold": [3]}}, "sysctls.sync_threshold", [3]),
    ({"sysctls": {"sync_threshold": [50, 50]}}, "sysctls.sync_threshold", [50, 50]),
    ({"sysctls": {"sync_threshold": [-1, 50]}}, "sysctls.sync_threshold", -1),
    ({"purge": True, "sysctls": {"sloppy_tcp": 1}}, "purge", True),
    ({"purge": "often", "daemons": []}, "purge", "often"),
    ({"state": "drained", "daemons": []}, "state", "drained"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "subject", "value"), BAD)
def test_bad_values(options, subject, value, error_words):
    with pytest.raises(InvalidValue) as refusal:
        WantedSync.from_options(options)
    assert error_words(refusal.value) == (subject, value)
