# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks whether the requested values will be in effect, now and after the next boot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy

from .._core.errors import ErrorGroup, InvalidValue
from .files import LATE_FILES, Assignment, apply_files, next_boot
from .model import ALL, SETTINGS, Kernel, Pair, effective, in_order


def ineffective(
    wanted: Mapping[Pair, int], values: Mapping[Pair, int], covered: Sequence[str], strict: bool
) -> list[str]:
    """Return a sentence per setting that would not act as asked on one of the `covered` interfaces.

    `values` are those after the run. With `strict` the sentences are raised, as one ErrorGroup.
    """
    errors = []
    for key, value in {pair.key: value for pair, value in wanted.items()}.items():
        wrong = [name for name in sorted(covered) if effective(values, name, key) != value]
        if wrong:
            errors.append(_error(key, value, wrong, values, ", or write on_ineffective: warn" if strict else ""))
    if errors and strict:
        raise ErrorGroup(errors)
    return [str(error) for error in errors]


def _error(key: str, value: int, wrong: Iterable[str], values: Mapping[Pair, int], otherwise: str) -> InvalidValue:
    acts, missing = [], []
    for name in wrong:
        acts.append(f"{name} (own value {values[Pair(name, key)]}, in effect {effective(values, name, key)})")
        if values[Pair(name, key)] != value:
            missing.append(name)
    # Where an interface and `all` both have the value, it acts, by every rule: one of the two is to be added.
    remedy = f"add {', '.join(missing) or ALL} to interfaces"
    rule = (
        f"would not be in effect on {', '.join(acts)}, as conf/all would be {values[Pair(ALL, key)]} and the kernel "
        f"takes {SETTINGS[key].rule}"
    )
    return InvalidValue(key, value, rule, remedy + otherwise)


def defeated_at_boot(
    wanted: Mapping[Pair, int], files: Mapping[str, str], covered: Sequence[str], interfaces: Sequence[str]
) -> list[str]:
    """Return a sentence per line of another file that undoes what is asked, at the next boot or whenever it is applied.

    `files` maps path to text, as it will be after the run.
    """
    kernel, origins = next_boot(files, interfaces)
    sentences = _compare(wanted, covered, kernel, origins, "at the next boot")
    for path in sorted(set(LATE_FILES) & set(files)):
        late = deepcopy(kernel)
        since: dict[Pair, Assignment] = {}
        apply_files(late, [(path, files[path])], since)
        sentences += _compare(wanted, covered, late, since, LATE_FILES[path])
    return sentences


def _compare(
    wanted: Mapping[Pair, int],
    covered: Sequence[str],
    kernel: Kernel,
    origins: Mapping[Pair, Assignment],
    when: str,
) -> list[str]:
    asked = {pair.key: value for pair, value in wanted.items()}
    concerned = {*wanted, *(Pair(name, key) for name in covered for key in asked)}
    sentences = []
    for pair in in_order(concerned):
        origin = origins.get(pair)
        value = kernel.values.get(pair)
        if origin is None or value is None or value == asked[pair.key]:
            continue
        if pair not in wanted and effective(kernel.values, pair.target, pair.key) == asked[pair.key]:
            continue
        sentences.append(
            f"{origin.file}, line {origin.line}, sets {pair.path} to {value} where {asked[pair.key]} is asked for "
            f"({when}); change or remove that line."
        )
    return sentences
