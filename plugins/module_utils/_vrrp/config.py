# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived's configuration of VRRP instances: rendered, and what was rendered read again. Pure.

All hosts start as BACKUP and differ in priority. Advertised is a constant anchor address alone, and the VIPs of both
families are excluded from advertisements: hosts that are changed one after the other would each take an advertisement
with other VIPs for a foreign one, and both be master. There is no authentication, which VRRP version 3 does not have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .._gate.model import CLOSED
from .model import Gate, Instance, VipPlace, WantedVrrp

_HEADER = "# Written by lvs.cluster.vrrp_instances; changes here are overwritten.\n"
_INDENT = "    "
_GATE = "gate"
# A master that was suspended and goes on has told the segment nothing of itself; it hears a lower priority then, and
# announces its VIPs at once, so often, and once more after this number of seconds.
_LOWER_PRIORITY_REPEAT, _LOWER_PRIORITY_DELAY = 3, 1


class Block(NamedTuple):
    """A line of the configuration, by its words; with `lines` it is a block in braces."""

    words: tuple[str, ...]
    lines: tuple[Block, ...] | None = None


def render_config(wanted: WantedVrrp) -> str:
    """Return the text of the configuration."""
    blocks = [_block("global_defs", [_line("vrrp_version", 3)])]
    if wanted.gate:
        blocks.append(_gate_block(wanted.gate))
    blocks += [_instance_block(instance, wanted.gate) for instance in wanted.instances]
    return _HEADER + "".join(f"\n{text}" for text in map(_text, blocks))


def instances_in(text: str) -> tuple[Instance, ...]:
    """Return the instances of a text that `render_config` made; raise ValueError for another text."""
    return tuple(_instance(block) for block in parse_blocks(text) if block.words[0] == "vrrp_instance")


def needs_restart(loaded: str, wanted: str) -> bool:
    """Return whether keepalived cannot take up a configuration while it runs with another one; see its reload."""
    try:
        before = {one.name: one for one in instances_in(loaded)}
    except ValueError:
        return True
    return any(one.name in before and _identity(before[one.name]) != _identity(one) for one in instances_in(wanted))


def _identity(instance: Instance) -> tuple[object, ...]:
    return instance.vrid, instance.interface, instance.vmac


def _gate_block(gate: Gate) -> Block:
    # Without a file the number would be 0, and a director that has just booted eligible.
    lines = [_line("file", f'"{gate.path}"'), _line("weight", gate.weight), _line("init_file", CLOSED)]
    return _block(f"track_file {_GATE}", lines)


def _instance_block(instance: Instance, gate: Gate | None) -> Block:
    lines = [
        _line("state", "BACKUP"),
        _line("interface", instance.interface),
        _line("virtual_router_id", instance.vrid),
        _line("priority", instance.priority),
        _line("advert_int", f"{instance.advert / 100:g}"),
        # A master that was suspended sends once more before it yields, so that its switch port is learnt anew.
        _line("higher_prio_send_advert", "true"),
        _line("garp_master_refresh", instance.garp_refresh),
        _line("garp_lower_prio_repeat", _LOWER_PRIORITY_REPEAT),
        _line("garp_lower_prio_delay", _LOWER_PRIORITY_DELAY),
    ]
    if instance.vmac:
        lines += [_line("use_vmac"), _line("vmac_xmit_base")]
    if instance.peers:
        lines.append(_line("unicast_src_ip", instance.source))
        lines.append(_block("unicast_peer", [_line(peer) for peer in instance.peers]))
    else:
        lines.append(_line("mcast_src_ip", instance.source))
    others = sorted({vip.interface for vip in instance.vips} - {instance.interface})
    if others:
        lines.append(_block("track_interface", [_line(interface) for interface in others]))
    if gate:
        lines.append(_block("track_file", [_line(_GATE)]))
    lines.append(_block("virtual_ipaddress", [_address(f"{instance.anchor}/32", instance.interface, instance.vmac)]))
    vips = [_address(vip.cidr, vip.interface, instance.vmac) for vip in instance.vips]
    lines.append(_block("virtual_ipaddress_excluded", vips))
    return _block(f"vrrp_instance {instance.name}", lines)


def _address(cidr: str, interface: str, vmac: bool) -> Block:
    # With a virtual MAC keepalived puts the address on its own device, unless another one is named.
    return _line(cidr) if vmac else _line(cidr, "dev", interface)


def _line(*words: object) -> Block:
    return Block(tuple(map(str, words)))


def _block(words: str, lines: Sequence[Block]) -> Block:
    return Block(tuple(words.split()), tuple(lines))


def _text(block: Block, depth: int = 0) -> str:
    words = _INDENT * depth + " ".join(block.words)
    if block.lines is None:
        return f"{words}\n"
    inner = "".join(_text(line, depth + 1) for line in block.lines)
    return f"{words} {{\n{inner}{_INDENT * depth}}}\n"


def parse_blocks(text: str) -> tuple[Block, ...]:
    """Return the blocks of a configuration with one line each, as they are rendered; raise ValueError."""
    lines = (words for line in text.splitlines() if (words := line.partition("#")[0].split()))
    return _blocks(lines, closed=False)


def _blocks(lines: Iterator[list[str]], closed: bool) -> tuple[Block, ...]:
    found: list[Block] = []
    for words in lines:
        if words == ["}"]:
            if closed:
                return tuple(found)
            raise ValueError("a brace closes no block")
        if words[-1] == "{":
            found.append(Block(tuple(words[:-1]), _blocks(lines, closed=True)))
        else:
            found.append(Block(tuple(words)))
    if closed:
        raise ValueError("a block has no end")
    return tuple(found)


def _instance(block: Block) -> Instance:
    try:
        values = {line.words[0]: line for line in block.lines or ()}
        one = {name: line.words[-1] for name, line in values.items()}
        interface = one["interface"]
        return Instance(
            block.words[1],
            int(one["virtual_router_id"]),
            interface,
            int(one["priority"]),
            one.get("unicast_src_ip") or one["mcast_src_ip"],
            tuple(line.words[0] for line in values["unicast_peer"].lines or ()) if "unicast_peer" in values else (),
            tuple(_place(line, interface) for line in values["virtual_ipaddress_excluded"].lines or ()),
            round(float(one["advert_int"]) * 100),
            int(one["garp_master_refresh"]),
            "use_vmac" in values,
        )
    except (KeyError, IndexError) as error:
        raise ValueError(f"an instance has no {error}") from None


def _place(line: Block, interface: str) -> VipPlace:
    return VipPlace(line.words[0].partition("/")[0], line.words[2] if len(line.words) > 2 else interface)
