# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of arp_sysctl: what is refused before the host is looked at."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import OWNER_OPTIONS
from ansible_collections.lvs.cluster.plugins.module_utils._core.paths import DROP_IN
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.model import SETTINGS
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.options import parse_request
from ansible_collections.lvs.cluster.plugins.modules import arp_sysctl

OPTIONS = {"interfaces": ["all"], "arp_ignore": 1, "persist": True, "on_ineffective": "fail", "state": "present"}


@pytest.mark.parametrize(
    ("options", "about"),
    [
        ({"interfaces": []}, ("interfaces", [])),
        *(
            (
                {"interfaces": [name]},
                ("interfaces", name),
            )
            for name in ("", ".", "..", "eth0/arp", "eth 0", "eth0:1", "../../kernel", "sixteen-bytes-xx", "eth0\n")
        ),
        (
            {"arp_ignore": None},
            ("state", "present"),
        ),
        ({"restore": ["forwarding", "arp_ignore"]}, ("restore", "arp_ignore")),
        (
            {"persist": "sysctl.d/x.conf"},
            ("persist", "sysctl.d/x.conf"),
        ),
        *(
            (
                {"persist": path},
                ("persist", path),
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
def test_bad_options_are_refused(options, about, error_words):
    with pytest.raises(InvalidValue) as caught:
        parse_request({**OPTIONS, **options})
    assert error_words(caught.value) == about


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
    assert set(documented) == set(arp_sysctl.OPTIONS) - set(OWNER_OPTIONS)
    assert {key: tuple(documented[key]["choices"]) for key in SETTINGS} == {
        key: setting.values for key, setting in SETTINGS.items()
    }
