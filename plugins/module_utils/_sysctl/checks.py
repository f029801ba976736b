# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks whether the requested values will be in effect, now and after the next boot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy

from .._core.errors import ErrorGroup, InvalidValue
from .files import LATE_FILES, Assignment, apply_files, next_boot
from .model import ALL, SETTINGS, Kernel, Pair, Request, effective, in_order


def ineffective(request: Request, values: Mapping[Pair, int], covered: Sequence[str]) -> list[str]:
    """Return a sentence per setting that would not act as asked on one of the `covered` interfaces.

    `values` are those after the run. If the request is strict, the sentences are raised as one ErrorGroup.
    """
    otherwise = ", or write on_ineffective: warn" if request.strict else ""
    errors = []
    for key in request.wanted:
        wrong = [name for name in sorted(covered) if not request.meets(key, effective(values, name, key))]
        if wrong:
            errors.append(_error(request, key, wrong, values, otherwise))
    if errors and request.strict:
        raise ErrorGroup(errors)
    return [str(error) for error in errors]


def _error(
    request: Request, key: str, wrong: Iterable[str], values: Mapping[Pair, int], otherwise: str
) -> InvalidValue:
    acts, missing = [], []
    for name in wrong:
        acts.append(f"{name} (own value {values[Pair(name, key)]}, in effect {effective(values, name, key)})")
        if not request.meets(key, values[Pair(name, key)]):
            missing.append(name)
    # Where an interface and `all` both have the value, it acts, by every rule: one of the two is to be added.
    remedy = f"add {', '.join(missing) or ALL} to interfaces"
    rule = (
        f"would not be in effect on {', '.join(acts)}, as conf/all would be {values[Pair(ALL, key)]} and the kernel "
        f"takes {SETTINGS[key].rule}"
    )
    return InvalidValue(key, request.wanted[key], rule, remedy + otherwise)


def defeated_at_boot(
    request: Request, files: Mapping[str, str], covered: Sequence[str], interfaces: Sequence[str]
) -> list[str]:
    """Return a sentence per line of another file that undoes what is asked, at the next boot or whenever it is applied.

    `files` maps path to text, as it will be after the run.
    """
    kernel, origins = next_boot(files, interfaces)
    sentences = _compare(request, covered, kernel, origins, "at the next boot")
    for path in sorted(set(LATE_FILES) & set(files)):
        late = deepcopy(kernel)
        since: dict[Pair, Assignment] = {}
        apply_files(late, [(path, files[path])], since)
        sentences += _compare(request, covered, late, since, LATE_FILES[path])
    return sentences


def _compare(
    request: Request,
    covered: Sequence[str],
    kernel: Kernel,
    origins: Mapping[Pair, Assignment],
    when: str,
) -> list[str]:
    named = {Pair(target, key) for target in request.targets for key in request.wanted}
    concerned = {*named, *(Pair(name, key) for name in covered for key in request.wanted)}
    sentences = []
    for pair in in_order(concerned):
        origin = origins.get(pair)
        value = kernel.values.get(pair)
        if origin is None or value is None or request.meets(pair.key, value):
            continue
        if pair not in named and request.meets(pair.key, effective(kernel.values, pair.target, pair.key)):
            continue
        sentences.append(
            f"{origin.file}, line {origin.line}, sets {pair.path} to {value} where {request.wanted[pair.key]} is asked "
            f"for ({when}); change or remove that line."
        )
    return sentences
