# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of vrrp_instances: defaults, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.model import Gate, Instance, VipPlace
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.options import parse_vrrp
from argument_specs import validated
from vrrp_instances import GATE, PEER, SOURCE, VIP, VIP6, instance

MAIL = {"name": "mail", "vrid": 52, "vips": [{"address": "192.0.2.31"}]}


def parse(*instances: dict[str, Any], **options: Any) -> Any:
    return parse_vrrp(validated("vrrp_instances", {"instances": list(instances), **options}))


def test_defaults():
    wanted = parse(instance(), gate=GATE)
    vips = (VipPlace(VIP, "eth0"), VipPlace(VIP6, "eth0"))
    assert wanted.instances == (Instance("web", 51, "eth0", 254, SOURCE, (PEER,), vips, 30, 10, False),)
    assert wanted.gate == Gate("/run/lvs-cluster-vrrp/gate", 1)
    assert wanted.instances[0].anchor == "169.254.51.51"
    assert [vip.cidr for vip in vips] == ["192.0.2.30/32", "2001:db8::30/128"]


def test_addresses_are_made_canonical():
    vips = [{"address": "2001:DB8:0::30"}, {"address": " 192.0.2.30", "interface": "eth1"}]
    assert parse(instance(vips=vips)).instances[0].vips == (VipPlace(VIP6, "eth0"), VipPlace(VIP, "eth1"))


def test_names_of_files_and_units():
    unit = parse(instance()).unit
    assert (unit.config, unit.name) == ("/etc/lvs-cluster/vrrp.conf", "lvs-cluster-vrrp.service")
    assert unit.loaded_config == "/run/lvs-cluster-vrrp/loaded.conf"
    other = parse(instance(), owner="mail").unit
    assert (other.config, other.name) == ("/etc/lvs-cluster/mail.vrrp.conf", "lvs-cluster-mail.vrrp.service")
    assert not set(unit.paths) & set(other.paths)


def test_what_is_absent_has_no_instances():
    assert parse(instance(), state="absent").instances == ()
    assert parse(state="absent", owner="web", former_owner="default").formerly == "default"


@pytest.mark.parametrize(
    ("instances", "subject"),
    [
        ([], "instances"),
        ([instance(name="we b")], "name"),
        ([instance(name="-web")], "name"),
        ([instance(name="$web")], "name"),
        ([instance(name="web{")], "name"),
        ([instance(name="web\n}")], "name"),
        ([instance(name="w" * 33)], "name"),
        ([instance(name="")], "name"),
        ([instance(vrid=0)], "vrid of instance web"),
        ([instance(vrid=256)], "vrid of instance web"),
        ([instance(priority=0)], "priority of instance web"),
        ([instance(priority=255)], "priority of instance web"),
        ([instance(interface="eth0 #")], "interface of instance web"),
        ([instance(interface="e{th0")], "interface of instance web"),
        ([instance(interface="eth0:1")], "interface of instance web"),
        ([instance(source_address="2001:db8::1")], "source_address of instance web"),
        ([instance(source_address="lb1")], "source_address of instance web"),
        ([instance(peers=[SOURCE])], "peers of instance web"),
        ([instance(peers=[PEER, PEER])], "peers of instance web"),
        ([instance(peers=["2001:db8::2"])], "peers of instance web"),
        ([instance(vips=[])], "vips of instance web"),
        ([instance(vips=[{"address": "192.0.2.30/24"}])], "vips of instance web"),
        ([instance(vips=[{"address": "fe80::30"}])], "vips of instance web"),
        ([instance(vips=[{"address": SOURCE}])], "vips of instance web"),
        ([instance(vips=[{"address": PEER}])], "vips of instance web"),
        ([instance(vips=[{"address": "169.254.51.51"}])], "vips of instance web"),
        ([instance(vips=[{"address": VIP}, {"address": VIP}])], "vips of instance web"),
        ([instance(vips=[{"address": VIP6}, {"address": "2001:db8:0::30"}])], "vips of instance web"),
        ([instance(vips=[{"address": VIP, "interface": "a/b"}])], "interface of instance web"),
        ([instance(vmac=True, vips=[{"address": VIP, "interface": "eth1"}])], "vips of instance web"),
        ([instance(advert_interval=0)], "advert_interval of instance web"),
        ([instance(advert_interval=41)], "advert_interval of instance web"),
        ([instance(advert_interval=0.125)], "advert_interval of instance web"),
        ([instance(garp_refresh=-1)], "garp_refresh of instance web"),
        ([instance(), instance(vrid=52, vips=MAIL["vips"])], "name"),
        ([instance(), instance(name="mail", vips=MAIL["vips"])], "vrid of instance mail"),
        ([instance(), instance(**{**MAIL, "vips": [{"address": VIP}]})], "vips of instance mail"),
        ([instance(), instance(**{**MAIL, "vips": [{"address": "169.254.51.51"}]})], "vips of instance mail"),
    ],
)
def test_what_is_refused(instances: list[dict[str, Any]], subject: str, error_words: Any) -> None:
    with pytest.raises(InvalidValue) as refusal:
        parse(*instances)
    assert error_words(refusal.value)[0] == subject


@pytest.mark.parametrize(
    ("gate", "subject"),
    [
        ({"path": "/etc/gate"}, "gate.path"),
        ({"path": "/run/../etc/gate"}, "gate.path"),
        ({"path": '/run/a"b'}, "gate.path"),
        ({"path": "/run/x/"}, "gate.path"),
        ({"path": "/run/x", "weight": 0}, "gate.weight"),
        ({"path": "/run/x", "weight": 255}, "gate.weight"),
    ],
)
def test_a_gate_that_is_refused(gate: dict[str, Any], subject: str, error_words: Any) -> None:
    with pytest.raises(InvalidValue) as refusal:
        parse(instance(), gate=gate)
    assert error_words(refusal.value)[0] == subject


@pytest.mark.parametrize("option", ["name", "vrid", "interface", "priority", "source_address", "vips"])
def test_what_the_code_itself_misses(option: str, error_words: Any) -> None:
    """The options come from a file, or from other code, without Ansible's own check."""
    given = instance(**{option: None})
    with pytest.raises(InvalidValue) as refusal:
        parse_vrrp({"instances": [given]})
    assert error_words(refusal.value)[0].split()[0] == option
