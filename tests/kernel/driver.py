# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the kernel tests that runs on the host with IPVS: one JSON request a line, one JSON answer a line.

It runs in a network namespace of its own, so what it does to the table concerns nobody else.
"""

from __future__ import annotations

import json
import subprocess
import sys

from ansible_collections.lvs.cluster.plugins.module_utils._errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_client import IpvsClient
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_module import checked
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_options import parse_service
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_plan import plan_services

NETWORK = (
    "ip link set lo up",
    "ip link add lan0 type dummy",
    "ip link set lan0 up",
    "ip address add 192.0.2.254/24 dev lan0",
    "ip address add 2001:db8::fe/64 dev lan0 nodad",
)


def command(*arguments: str, stdin: str | None = None) -> str:
    """Run one command to its end, which must be a good one, and return what it printed."""
    return subprocess.run(arguments, input=stdin, stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout


def apply(services: list) -> dict:
    """Bring the services about by plan and client, as the modules do."""
    client = IpvsClient()
    wanted = [parse_service(service) for service in services]
    plan = checked(plan_services(client.read([service.key for service in wanted]), wanted))
    client.apply(plan.operations)
    again = plan_services(client.read([service.key for service in wanted]), wanted)
    return {"operations": plan.words, "after": plan.after, "read": again.before, "second_run": again.words}


def answer(request: dict) -> dict:
    """Do what one request asks for."""
    if "apply" in request:
        try:
            return apply(request["apply"])
        except LvsError as error:
            return {"error": str(error)}
    arguments = request["command"]
    return {"output": command(*arguments, stdin=request.get("stdin"))}


def main() -> None:
    """Answer until there are no more requests."""
    for line in NETWORK:
        command(*line.split())
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


main()
