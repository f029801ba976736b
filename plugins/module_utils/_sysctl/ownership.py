# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values are ours, which are of others, and so which value a pair has to have: never less strict than theirs."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from .files import next_boot, number
from .model import FORWARDING, SETTINGS, Facts, Former, Pair, Request, satisfies


def ours(pair: Pair, facts: Facts, lines: Mapping[Pair, str]) -> set[int]:
    """Return the values that our runs gave a pair, by the lines of the drop-in and what is remembered.

    Two where a run ended between both; none where nothing is known.
    """
    known = facts.former.get(pair)
    values = {known.ours if known else None, number(lines.get(pair, ""))}
    return {value for value in values if value is not None}


def is_of_others(pair: Pair, facts: Facts, lines: Mapping[Pair, str]) -> bool:
    """Return whether the kernel's value was changed by others after a run of ours."""
    values = ours(pair, facts, lines)
    return bool(values) and facts.values[pair] not in values


def resolve(request: Request, facts: Facts, lines: Mapping[Pair, str]) -> dict[Pair, int]:
    """Return the value of each pair: what is asked for, or a stricter one that others gave it, now or for the boot."""
    wanted = {Pair(target, key): value for target in request.targets for key, value in request.wanted.items()}
    if not request.keep_stricter:
        return wanted
    # Only a line of ours would lower them.
    keys = [key for key, value in request.wanted.items() if dict(SETTINGS[key].stricter).get(value)]
    boot = _boot_of_others(request, facts, keys) if request.persist else {}
    for pair, asked in wanted.items():
        value = asked
        for other in (_now_of_others(pair, facts, lines), boot.get(pair)):
            if other is not None and satisfies(pair.key, other, value):
                value = other
        wanted[pair] = value
    return wanted


def _now_of_others(pair: Pair, facts: Facts, lines: Mapping[Pair, str]) -> int | None:
    """Return the value that a pair has, or would have without our runs; None where it is not known."""
    value, known = facts.values.get(pair), facts.former.get(pair)
    if value is None or value not in ours(pair, facts, lines):
        return value
    return known.value if known else None


def without_us(pairs: Collection[Pair], request: Request, facts: Facts) -> Facts:
    """Return the facts with, as the former value of pairs, what they would have if we had never set them.

    That is the remembered value or, where it is the one of now, what a file of others sets at boot.
    """
    boot = _boot_of_others(request, facts, {pair.key for pair in pairs})
    former = dict(facts.former)
    for pair in pairs:
        known = former.get(pair)
        if pair in boot and (known is None or known.value == facts.values.get(pair)):
            former[pair] = known._replace(value=boot[pair]) if known else Former(boot[pair])
    return facts._replace(former=former)


def _boot_of_others(request: Request, facts: Facts, keys: Collection[str]) -> dict[Pair, int]:
    """Return the values that files of others set at boot; the drop-in is read after them, and would win."""
    files = {path: text for path, text in facts.files.items() if path != request.drop_in}
    words = {word for key in keys for word in ((key, "ip_forward") if key == FORWARDING else (key,))}
    if not any(word in text for word in words for text in files.values()):
        return {}
    kernel, origins = next_boot(files, facts.interfaces)
    return {pair: kernel.values[pair] for pair in origins if pair.key in keys}
