# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the lab's four machines take to be there again, when their image is in the cache."""

from __future__ import annotations

from bench.figures import Figure
from bench.hosts import INVENTORY, playbook

ROUNDS = 3
UP = ("lvs.cluster.lab_up", "-i", INVENTORY)
DOWN = ("lvs.cluster.lab_down", "-i", INVENTORY)


def measure() -> list[Figure]:
    """End the lab and run it again; it is up afterwards."""
    playbook(*UP)
    took = []
    for number in range(ROUNDS):
        playbook(*DOWN)
        took.append(playbook(*UP))
        print(f"round {number + 1}: lab_up {took[-1]:.1f} s", flush=True)
    return [Figure("lab_up, cached, four hosts", "", took, 20, "s", {"seconds": took})]
