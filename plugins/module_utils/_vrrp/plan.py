# SPDX-License-Identifier: GPL-3.0-or-later
"""From the files that a host has to those that run its VRRP instances, and what the running keepalived needs then."""

from __future__ import annotations

import os.path
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Callable, NamedTuple

from .._core.address import is_ipv6
from .._core.errors import InvalidValue
from .._core.owner import Owner
from .._core.plan import Plan
from .._owner.claims import Claim, declared_twice
from .._restore.plan import Content, FileOperation, plan_files
from .._rtnetlink.model import Own
from .config import needs_restart, render_config
from .model import NAME, Instance, VrrpUnit, WantedVrrp, seen_of
from .unit import unit_text


class Loaded(NamedTuple):
    """What the running keepalived was started by, and the configuration that it read last; None where it is unknown."""

    unit: str | None = None
    config: str | None = None


class VrrpState(NamedTuple):
    """What a host has of an owner's VRRP.

    `loaded` is None where no keepalived of the owner runs. `others` are the instances of other owners on this host, and
    `declared` the VIPs that boot_restore assigns for this owner. `unfiltered` are interfaces that answer ARP for
    addresses of other interfaces. `program` is the path of keepalived.
    """

    files: Mapping[str, Content]
    loaded: Loaded | None = None
    formerly_runs: bool = False
    own: Sequence[Own] = ()
    interfaces: Sequence[str] = ()
    others: Mapping[str, Sequence[Instance]] = MappingProxyType({})
    declared: Sequence[str] = ()
    unfiltered: Sequence[str] = ()
    program: str = "/usr/sbin/keepalived"


def plan_vrrp(state: VrrpState, wanted: WantedVrrp) -> Plan[FileOperation]:
    """Return the way to the files that are wanted; raise InvalidValue for what this host cannot run."""
    unit, former = wanted.unit, VrrpUnit(wanted.formerly) if wanted.formerly else None
    gone = [*reversed(former.paths)] if former else []
    if not wanted.instances:
        # The link goes first: what is half removed is not started by a boot.
        plan = plan_files(state.files, [], [*reversed(unit.paths), *gone])
    else:
        _refuse_foreign(state, wanted)
        plan = plan_files(state.files, wanted_files(wanted, state.program), gone)
    former_unit = former.name if former and (state.formerly_runs or former.unit_file in state.files) else ""
    return Plan(
        plan.before,
        plan.after,
        plan.operations,
        results={
            "unit": unit.name,
            "active": state.loaded is not None,
            "former_unit": former_unit,
            **_signal(state.loaded, wanted, state.program),
            "instances": [_shown(instance, state) for instance in wanted.instances],
        },
        warnings=_warnings(state, wanted),
    )


def wanted_files(wanted: WantedVrrp, program: str) -> list[Content]:
    """Return the configuration, the unit and the link that has systemd start it at boot."""
    unit = wanted.unit
    return [
        Content(unit.config, render_config(wanted).encode()),
        Content(unit.unit_file, unit_text(unit, program, wanted.gate).encode()),
        Content(unit.link, link=unit.unit_file),
    ]


def writes_config(operations: Sequence[FileOperation], unit: VrrpUnit) -> bool:
    """Return whether the operations write the configuration."""
    return any(operation.path == unit.config and operation.content for operation in operations)


def trial_config(wanted: WantedVrrp, is_directory: Callable[[str], bool]) -> str:
    """Return the configuration as it is tested.

    2.3 of keepalived refuses a gate whose directory is not there; before its first start the unit has not made it.
    """
    gate = wanted.gate
    if gate and not is_directory(os.path.dirname(gate.path)):
        gate = gate._replace(path=f"/run/{os.path.basename(gate.path)}")
    return render_config(wanted._replace(gate=gate))


def _signal(loaded: Loaded | None, wanted: WantedVrrp, program: str) -> dict[str, bool]:
    """Return whether the running keepalived has to be restarted, or to be reloaded.

    It is compared with what keepalived has read, and not with the files of before this run, so that a reload that an
    earlier run did not come to is asked for again.
    """
    if loaded is None or not wanted.instances:
        return {"restart": False, "reload": False}
    config = render_config(wanted)
    restart = loaded.unit != unit_text(wanted.unit, program, wanted.gate)
    restart = restart or loaded.config is None or needs_restart(loaded.config, config)
    return {"restart": restart, "reload": not restart and loaded.config != config}


def _shown(instance: Instance, state: VrrpState) -> dict[str, Any]:
    seen = seen_of(instance, state.own)
    return {"name": instance.name, "vrid": instance.vrid, "anchor": instance.anchor, "role": seen.role}


def _warnings(state: VrrpState, wanted: WantedVrrp) -> tuple[str, ...]:
    vips = dict.fromkeys(vip.address for instance in wanted.instances for vip in instance.vips)
    virtual = dict.fromkeys(instance.interface for instance in wanted.instances if instance.vmac)
    return (
        *(
            f"VIP {vip} is declared with boot_restore on this host, which assigns it while the host is a standby too; "
            "remove it from that declaration."
            for vip in vips
            if vip in state.declared
        ),
        *(
            f"{interface} answers ARP for the VIPs with its own MAC, beside the virtual MAC; "
            f"set arp_ignore: 1 for {interface} with lvs.cluster.arp_sysctl."
            for interface in virtual
            if interface in state.unfiltered
        ),
    )


def _refuse_foreign(state: VrrpState, wanted: WantedVrrp) -> None:
    """Raise InvalidValue for an interface or a source that the host does not have, and for what another owner has."""
    owner = Owner(wanted.owner, wanted.formerly)
    mine = {one.address for one in state.own if not is_ipv6(one.address)}
    for instance in wanted.instances:
        whose = f"instance {instance.name}"
        for interface in dict.fromkeys([instance.interface, *(vip.interface for vip in instance.vips)]):
            if interface not in state.interfaces:
                rule = f"does not exist on this host, which has {', '.join(sorted(state.interfaces))}"
                raise InvalidValue("interface", interface, rule, "name one of these").of(whose)
        if instance.source not in mine:
            rule = f"is not an address of this host, which has {', '.join(sorted(mine)) or 'none'}"
            remedy = "name the one that the other directors have as a peer"
            raise InvalidValue("source_address", instance.source, rule, remedy).of(whose)
        vips = {vip.address for vip in instance.vips}
        for name, others in state.others.items():
            claim = Claim(name, NAME)
            for other in others:
                if other.vrid == instance.vrid:
                    raise declared_twice("vrid", instance.vrid, owner, claim)
                for vip in other.vips:
                    if vip.address in vips:
                        raise declared_twice("vips", vip.address, owner, claim)
