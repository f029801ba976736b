# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on the host with IPVS: the table as pyroute2 reads it, as plain attributes."""

import json
import sys

sys.path.insert(0, sys.argv[1])

from pyroute2 import IPVS
from pyroute2.ipvs import IPVSService


def plain(nla):
    return {name: value for name, value in nla["attrs"] if "STATS" not in name}


found = []
with IPVS() as link:
    for message in list(link.service("dump")):
        service = plain(message.get_attr("IPVS_CMD_ATTR_SERVICE"))
        servers = None
        if "IPVS_SVC_ATTR_FWMARK" not in service:  # it can't ask for the servers of a mark
            dump = link.dest("dump", service=IPVSService.from_message(message))
            servers = [plain(one.get_attr("IPVS_CMD_ATTR_DEST")) for one in dump]
        found.append([service, servers])
print(json.dumps(found, default=dict))
