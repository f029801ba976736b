# SPDX-License-Identifier: GPL-3.0-or-later
"""What arp_sysctl is about to do: from the options and what the host says to values, files and words."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from .._core.paths import SYSCTL_STATE
from .._core.plan import Plan
from .checks import defeated_at_boot, ineffective
from .files import declared, number, render
from .holding import Holding
from .model import ALL, DEFAULT, SETTINGS, Facts, Former, Holders, Pair, Request, effective, in_order, kernel_default
from .operations import Steps, SysctlOperation, WriteFile, has_heirs
from .ownership import is_of_others, resolve, without_us
from .saved import dump
from .validate import check


def make_plan(request: Request, facts: Facts) -> Plan[SysctlOperation]:
    """Return the plan; raises InvalidValue for bad options, LvsError for a value that could not take effect."""
    check(request, facts)
    return _present(request, facts) if request.present else _absent(request, facts)


def _others(mine: Mapping[Pair, str], holding: Holding, facts: Facts) -> dict[Pair, int]:
    """What other runs and clusters declare, as far as it is in the kernel now: not ours to change."""
    kept = {**holding.of_others, **{pair: number(text) for pair, text in mine.items()}}
    return {pair: facts.values[pair] for pair, value in kept.items() if value == facts.values.get(pair)}


def _present(request: Request, facts: Facts) -> Plan[SysctlOperation]:
    before = declared(facts.drop_in_text or "")
    holding = Holding.read(request.owner, before, facts)
    wanted = holding.settle(request, resolve(request, facts, before))
    own = _own(before, facts) | set(holding.of_others)
    leaving = _given_up(request, holding.own, request.restored) if request.restored else []
    released = holding.unclaimed(leaving)
    kept = {pair: text for pair, text in before.items() if pair not in released}
    steps = Steps(facts, {*wanted, *released}, _others(kept, holding, facts))
    known = without_us(released, request, facts)
    # A value that nothing is known of may have been there before us.
    _give_all_back(steps, [pair for pair in released if pair in known.former], known, own)
    steps.write_all(wanted, "set")
    values = steps.kernel.values
    covered = request.covered(facts.interfaces)
    warnings = ineffective(request, values, covered)
    settings = {**kept, **{pair: str(value) for pair, value in wanted.items()}} if request.persist else kept
    text = render(facts.drop_in_text or "", settings) if request.persist or kept != before else facts.drop_in_text
    if request.persist:
        warnings += defeated_at_boot(request, {**facts.files, request.drop_in: text or ""}, covered, facts.interfaces)
    remembered = _remember(request, wanted, before, facts)
    former = _without(remembered, released)
    files = _drop_in_operation(request, facts, before, settings, text)
    # What is forgotten is forgotten last, so that a run that has to heal this one still knows it.
    declaring = holding.declaring(wanted) if wanted or leaving else facts.holders
    remember = _memory_operation(Memory(facts.former, facts.holders), Memory(remembered, declaring))
    forget = _memory_operation(
        Memory(remembered, declaring), Memory(former, holding._replace(holders=declaring).without(leaving))
    )
    operations: tuple[SysctlOperation, ...] = (*remember, *steps.operations, *files, *forget)
    return _plan(request, facts, operations, values, settings, former, warnings, [*wanted, *released])


def _own(before: Mapping[Pair, str], facts: Facts) -> set[Pair]:
    """Return the pairs that our runs declared."""
    return {*before, *(pair for pair, former in facts.former.items() if former.because is None)}


def _given_up(request: Request, own: Collection[Pair], keys: Collection[str]) -> list[Pair]:
    return [pair for pair in in_order(own) if pair.target in request.targets and pair.key in (keys or SETTINGS)]


def _without(former: Mapping[Pair, Former], given_up: Collection[Pair]) -> dict[Pair, Former]:
    return {pair: known for pair, known in former.items() if pair not in given_up and known.because not in given_up}


def _remember(
    request: Request, wanted: Mapping[Pair, int], before: Mapping[Pair, str], facts: Facts
) -> dict[Pair, Former]:
    """Return the former values to keep from now on: of what is asked, and of what the kernel changes along with it.

    A value that our drop-in already holds without being remembered is ours, and not a former one. Of a setting that has
    stricter values, the one that others set last is the one that counts.
    """
    former = dict(facts.former)
    for pair in in_order(wanted):
        if SETTINGS[pair.key].stricter and is_of_others(pair, facts, before):
            former[pair] = Former(facts.values[pair])
        elif pair in former:
            former[pair] = former[pair]._replace(because=None)
        elif pair not in before:
            former[pair] = Former(_before_us(pair, facts))
        if pair not in former:
            continue
        # Before anything is written, as the line of the drop-in comes last.
        told = request.persist and before.get(pair) == str(wanted[pair])
        if not told or former[pair].ours is not None:
            former[pair] = former[pair]._replace(ours=wanted[pair])
        if facts.values[pair] == wanted[pair]:
            continue
        for name in (DEFAULT, *facts.interfaces) if has_heirs(pair) else ():
            other = Pair(name, pair.key)
            if other not in wanted and other not in before and other != pair:
                former.setdefault(other, Former(facts.values[other], pair))
    return former


def _before_us(pair: Pair, facts: Facts) -> int:
    """Return the value of `pair` without us: an interface that is new since our first run began with our `default`."""
    default = Pair(DEFAULT, pair.key)
    inherited = default in facts.former and facts.values[default] == facts.values[pair] and pair.target != ALL
    return facts.former[default].value if inherited else facts.values[pair]


def _absent(request: Request, facts: Facts) -> Plan[SysctlOperation]:
    before = declared(facts.drop_in_text or "")
    holding = Holding.read(request.owner, before, facts)
    own = _own(before, facts) | set(holding.of_others)
    leaving = _given_up(request, holding.own, request.wanted)
    given_up = holding.unclaimed(leaving)
    settings = {pair: text for pair, text in before.items() if pair not in given_up}
    steps = Steps(facts, given_up, _others(settings, holding, facts))
    _give_all_back(steps, given_up, facts, own)
    former = _without(facts.former, given_up)
    text = render(facts.drop_in_text or "", settings) if settings != before else facts.drop_in_text
    files = _drop_in_operation(request, facts, before, settings, text)
    holders = holding.without(leaving) if leaving else facts.holders
    forget = _memory_operation(Memory(facts.former, facts.holders), Memory(former, holders))
    operations: tuple[SysctlOperation, ...] = (*steps.operations, *files, *forget)
    return _plan(request, facts, operations, steps.kernel.values, settings, former, holding.words(leaving), given_up)


def _give_all_back(steps: Steps, given_up: Collection[Pair], facts: Facts, own: set[Pair]) -> None:
    """Write the former values of pairs, except those that others changed since: these are not ours to take back."""
    lines = declared(facts.drop_in_text or "")
    for pair in given_up:
        if pair not in facts.values:
            continue
        # A run that ended early may have given this value back already, also by way of a pair that has heirs.
        origins = (one for one in (pair, Pair(DEFAULT, pair.key), Pair(ALL, pair.key)) if one == pair or has_heirs(one))
        given_back = {facts.former[one].value for one in origins if one in given_up and one in facts.former}
        if facts.values[pair] in given_back or not is_of_others(pair, facts, lines):
            _give_back(steps, pair, facts, own)


def _give_back(steps: Steps, pair: Pair, facts: Facts, own: set[Pair]) -> None:
    """Write the former value of `pair`, and of the interfaces that had theirs from it."""
    ours = facts.values[pair]
    if pair in facts.former:
        value, reason = facts.former[pair].value, ", the value before the first run"
    else:
        value = kernel_default(pair, steps.kernel.values)
        reason = ", the kernel's default, as the former value is not known"
    heirs: dict[Pair, int] = {}
    for name in (DEFAULT, *facts.interfaces) if has_heirs(pair) else ():
        heir = Pair(name, pair.key)
        # A value of its own that somebody gave it since is not ours to take back.
        if heir not in own and facts.values[heir] == ours:
            heirs[heir] = facts.former.get(heir, Former(value)).value
    # Before `default`, from whose value a run that has to heal this one knows them; after it too, for those that
    # followed it on the way. What `all` is about to overwrite is only written after.
    if pair.target == DEFAULT:
        steps.write_all(heirs, "give back", f", as it had its value from {pair.path}")
    steps.write(pair, value, "give back", reason)
    steps.write_all(heirs, "give back", f", as it had its value from {pair.path}")


class Memory(NamedTuple):
    """What the file of our state says: values from before us, and what clusters declare."""

    former: Mapping[Pair, Former]
    holders: Holders


def _memory_operation(before: Memory, after: Memory) -> tuple[WriteFile, ...]:
    if before == after:
        return ()
    new, gone = len(set(after.former) - set(before.former)), len(set(before.former) - set(after.former))
    deed = (
        f"remember {new} former values" if new else f"forget {gone} former values" if gone else "note what is declared"
    )
    return (WriteFile(SYSCTL_STATE, dump(*after), f"{deed} in {SYSCTL_STATE}"),)


def _drop_in_operation(
    request: Request, facts: Facts, before: Mapping[Pair, str], after: Mapping[Pair, str], text: str | None
) -> tuple[WriteFile, ...]:
    if text == facts.drop_in_text:
        return ()
    lines = [f"{pair.path} = {after[pair]}" for pair in in_order(after) if before.get(pair) != after[pair]]
    lines += [f"no {pair.path}" for pair in in_order(before) if pair not in after]
    deed = "remove" if text is None else "write" if facts.drop_in_text is None else "change"
    return (WriteFile(request.drop_in, text, f"{deed} {request.drop_in}: {', '.join(lines) or 'order and header'}"),)


def _shown(text: str) -> int | str:
    value = number(text)
    return text if value is None else value


def _plan(
    request: Request,
    facts: Facts,
    operations: tuple[SysctlOperation, ...],
    values: Mapping[Pair, int],
    settings: Mapping[Pair, str],
    former: Mapping[Pair, Former],
    warnings: list[str],
    concerned: Collection[Pair],
) -> Plan[SysctlOperation]:
    """Put both sides together: values that are asked for or change, the drop-in's lines, what is remembered."""
    shown = in_order({*concerned, *(pair for pair in values if values[pair] != facts.values[pair])} & set(values))

    def side(now: Mapping[Pair, int], lines: Mapping[Pair, str], known: Mapping[Pair, Former]) -> dict[str, Any]:
        return {
            "values": {pair.path: now[pair] for pair in shown},
            "drop_in": {request.drop_in: {pair.path: _shown(lines[pair]) for pair in in_order(lines)}},
            "remembered": {pair.path: known[pair].value for pair in in_order(known)},
        }

    about = {*request.wanted, *request.restored, *(pair.key for pair in concerned)}
    keys = [key for key in SETTINGS if key in about]
    return Plan(
        before=side(facts.values, declared(facts.drop_in_text or ""), facts.former),
        after=side(values, settings, former),
        operations=operations,
        results={
            "effective": effective_values(values, facts.interfaces, keys),
            "persisted": request.drop_in if request.present and request.persist else "",
            "stricter": _stricter(request, values),
        },
        warnings=tuple(warnings),
    )


def _stricter(request: Request, values: Mapping[Pair, int]) -> list[dict[str, Any]]:
    """Return the values that stay since they are stricter than what is asked for."""
    pairs = in_order(Pair(target, key) for target in request.targets for key in request.wanted)
    return [
        {"name": pair.path, "value": values[pair], "asked": request.wanted[pair.key]}
        for pair in pairs
        if request.present and pair in values and values[pair] != request.wanted[pair.key]
    ]


def effective_values(
    values: Mapping[Pair, int], interfaces: Collection[str], keys: Collection[str]
) -> dict[str, dict[str, int]]:
    """Return the values that act: real interface -> setting -> value."""
    return {name: {key: effective(values, name, key) for key in keys} for name in sorted(interfaces)}
