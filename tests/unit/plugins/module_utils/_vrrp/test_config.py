# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived's configuration: what it says, that it is read back, and which changes need a restart."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.config import (
    instances_in,
    needs_restart,
    parse_blocks,
    render_config,
)
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.options import parse_vrrp
from hypothesis import HealthCheck, given, settings
from vrrp_instances import GATE, VIP, VIP6, instance, instance_lists


def config(*instances: dict[str, Any], **options: Any) -> str:
    return render_config(parse_vrrp({"instances": list(instances), **options}))


def block(text: str, *path: str) -> list[tuple[str, ...]]:
    """Return the words of each line of a block."""
    lines = parse_blocks(text)
    for name in path:
        (found,) = [line for line in lines if line.words[0] == name]
        assert found.lines is not None
        lines = found.lines
    return [line.words for line in lines]


def test_text():
    assert config(instance(), gate=GATE) == (
        """\
# Written by lvs.cluster.vrrp_instances; changes here are overwritten.

global_defs {
    vrrp_version 3
}

track_file gate {
    file "/run/lvs-cluster-vrrp/gate"
    weight 1
    init_file -254
}

vrrp_instance web {
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority 254
    advert_int 0.3
    higher_prio_send_advert true
    garp_master_refresh 10
    garp_lower_prio_repeat 3
    garp_lower_prio_delay 1
    unicast_src_ip 192.0.2.1
    unicast_peer {
        192.0.2.2
    }
    track_file {
        gate
    }
    virtual_ipaddress {
        169.254.51.51/32 dev eth0
    }
    virtual_ipaddress_excluded {
        192.0.2.30/32 dev eth0
        2001:db8::30/128 dev eth0
    }
}
"""
    )


def test_multicast_has_a_source_and_no_peers():
    text = config(instance(peers=[]))
    assert "    mcast_src_ip 192.0.2.1\n" in text
    assert "unicast" not in text


def test_a_virtual_mac_is_on_a_device_of_keepalived():
    text = config(instance(vmac=True))
    assert block(text, "vrrp_instance", "virtual_ipaddress_excluded") == [(f"{VIP}/32",), (f"{VIP6}/128",)]
    assert ("use_vmac",) in block(text, "vrrp_instance")


def test_another_interface_of_a_vip_is_tracked():
    text = config(instance(vips=[{"address": VIP}, {"address": VIP6, "interface": "eth1"}]))
    assert block(text, "vrrp_instance", "track_interface") == [("eth1",)]
    assert block(text, "vrrp_instance", "virtual_ipaddress_excluded")[1] == (f"{VIP6}/128", "dev", "eth1")


def test_nothing_is_started_and_nothing_holds_back():
    text = config(instance(), gate=GATE)
    for word in ("script", "notify", "nopreempt", "authentication", "MASTER"):
        assert word not in text


@given(instances=instance_lists())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_what_is_rendered_is_read_back(count_case, instances):
    count_case()
    wanted = parse_vrrp({"instances": instances, "gate": GATE})
    text = render_config(wanted)
    assert instances_in(text) == wanted.instances
    assert not needs_restart(text, text)
    advertised = [line for line in text.splitlines() if line.startswith("        169.254.")]
    assert len(advertised) == len(instances)


@pytest.mark.parametrize(
    "text",
    [
        "vrrp_instance web {\n",
        "}\n",
        "vrrp_instance web {\n    interface eth0\n}\n",
        "vrrp_instance web\n",
        "vrrp_instance {\n    interface eth0\n}\n",
    ],
)
def test_another_text_is_not_read(text):
    with pytest.raises(ValueError, match=r"brace|block|instance"):
        instances_in(text)
    assert needs_restart(text, config(instance()))


@pytest.mark.parametrize(
    ("change", "restart"),
    [
        ({}, False),
        ({"priority": 100}, False),
        ({"vips": [{"address": VIP}]}, False),
        ({"peers": []}, False),
        ({"advert_interval": 1}, False),
        ({"name": "other"}, False),
        ({"vrid": 52}, True),
        ({"interface": "eth1"}, True),
        ({"vmac": True}, True),
    ],
)
def test_a_change_that_needs_a_restart(change, restart):
    assert needs_restart(config(instance()), config(instance(**change))) is restart
