# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of arp_sysctl: what is refused before the host is looked at."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._core.paths import DROP_IN
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.model import SETTINGS
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.options import parse_request
from ansible_collections.lvs.cluster.plugins.modules import arp_sysctl

OPTIONS = {"interfaces": ["all"], "arp_ignore": 1, "persist": True, "on_ineffective": "fail", "state": "present"}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"interfaces": []}, "interfaces: [] names no interface; name at least one, or leave the option out."),
        *(
            (
                {"interfaces": [name]},
                f"interfaces: {name!r} can't be the name of an interface; "
                "write one as 'ip link' shows it, such as eth0.100.",
            )
            for name in ("", ".", "..", "eth0/arp", "eth 0", "eth0:1", "../../kernel", "sixteen-bytes-xx", "eth0\n")
        ),
        (
            {"arp_ignore": None},
            "state: 'present' declares no setting; give at least one, such as arp_ignore: 1.",
        ),
        (
            {"persist": "sysctl.d/x.conf"},
            "persist: 'sysctl.d/x.conf' is neither true, false nor an absolute path; "
            "write one such as /etc/sysctl.d/99-zz-lvs-cluster.conf.",
        ),
        *(
            (
                {"persist": path},
                f"persist: {path!r} is not a file that is read at boot; "
                "name a .conf file in /etc/sysctl.d, such as /etc/sysctl.d/99-zz-lvs-cluster.conf.",
            )
            for path in (
                "/etc/sysctl.conf",
                "/etc/sysctl.d/x",
                "/etc/sysctl.d/../x.conf",
                "/etc/sysctl.d/.conf",
                "/a.conf",
            )
        ),
    ],
)
def test_bad_options_are_refused(options, text):
    with pytest.raises(InvalidValue, match=f"^{re.escape(text)}$"):
        parse_request({**OPTIONS, **options})


@pytest.mark.parametrize(
    ("persist", "expected"),
    [
        (True, (True, DROP_IN)),
        ("yes", (True, DROP_IN)),
        ("False", (False, DROP_IN)),
        (False, (False, DROP_IN)),
        ("/etc/sysctl.d/90-a.conf", (True, "/etc/sysctl.d/90-a.conf")),
    ],
)
def test_persist_is_a_switch_or_a_path(persist, expected):
    request = parse_request({**OPTIONS, "persist": persist})
    assert (request.persist, request.drop_in) == expected


def test_the_documentation_has_every_setting_with_its_values():
    documented = yaml.safe_load(arp_sysctl.DOCUMENTATION)["options"]
    assert set(documented) == set(arp_sysctl.OPTIONS)
    assert {key: tuple(documented[key]["choices"]) for key in SETTINGS} == {
        key: setting.values for key, setting in SETTINGS.items()
    }
