# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say whose a declaration is, told once for all modules that have them."""

from __future__ import annotations


class ModuleDocFragment:
    """The cluster that a task belongs to."""

    DOCUMENTATION = r"""
options:
  owner:
    description:
      - The name of the cluster that the task belongs to. The roles pass C(lvs_cluster_name).
      - A host can be in several clusters that are kept from several inventories. What another cluster declares on the host with
        M(lvs.cluster.boot_restore) is not changed and not removed. The task fails before any change if it declares the same thing, and warns of what it
        leaves.
      - At most 32 lower-case letters, digits and hyphens. V(default) is the cluster of hosts that were set up before clusters had names.
    type: str
    default: default
    version_added: 1.1.0
  former_owner:
    description:
      - The name that the cluster had before. What is declared under it counts as the task's own. The roles pass C(lvs_cluster_formerly).
      - Remove the option when every host has been renamed.
    type: str
    version_added: 1.1.0
"""
