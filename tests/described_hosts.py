# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts and a service as an inventory describes them, without a mistake."""

from __future__ import annotations

WEB = {"name": "web", "address": "192.0.2.30", "ports": [80, "443"], "scheduler": "rr"}
VARS = {
    "lb1": {"ansible_host": "192.0.2.3"},
    "lb2": {"director_address": ["192.0.2.2", "2001:db8::2"]},
    "rs1": {"realserver_address": "192.0.2.4", "ansible_host": "127.0.0.1"},
    "rs2": {"realserver_address": ["192.0.2.5", "2001:DB8::5"], "realserver_weight": "3"},
}
BOTH = ["192.0.2.30", "2001:db8::30"]
GROUPS = {"all": list(VARS), "directors": ["lb1", "lb2"], "realservers": ["rs1", "rs2"], "empty": []}
