# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the tests: what each runs, and where. `python tests/parts.py [PART ...]` runs these, or the whole."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from fast_lab.long_turns import long_turns
from run_parts import PASSED, Part, run_commands, run_parts, table

# How many parts run at once. Two machines of one lab wait for each other often enough to leave a core idle.
JOBS = int(os.environ.get("LVS_TEST_JOBS", "2"))
# Each lab is one of the tests' own, beside those that a person may have running. Its ports on 127.0.0.1 are this base,
# its place among the labs, and the last number of a machine's address.
FIRST_PORT, PORTS_EACH = 23000, 300

# What makes the machines of labs faster for the tests; see fast_lab/README.md.
FASTER = {
    "LVS_LAB_OVERLAYS": str(Path(__file__).parent / "fast_lab" / "overlay"),
    "LVS_LAB_PYTHON": "/usr/local/lib/lvs-lab/python3",
}
PLAIN_LABS = {"bench"}  # it measures machines as users have them

KERNELS_UP = ["ansible-playbook", "lvs.cluster.lab_up", "-i", "tests/kernel/lab"]
LAB_UP = ["ansible-playbook", "lvs.cluster.lab_up", "-i", "lab"]
LAB_DOWN = ["ansible-playbook", "lvs.cluster.lab_down", "-i", "lab"]
MOLECULE = ["molecule", "test", "--destroy", "never", "--scenario-name"]
NOX = ["nox", "--session"]
PYTEST = ["pytest", "-q", "--durations=5"]
ADDRESSES, MANAGERS = "tests/kernel/test_addresses.py", "tests/kernel/test_managers.py"
# For network namespaces. A person's machine is not given firewalls of its own, which would begin to filter; their tests are
# skipped there.
BINDINGS = "/usr/lib/python3/dist-packages"
NETNS_NEEDS = ["ip:iproute2", "nft:nftables", f"{BINDINGS}/nftables:python3-nftables", "keepalived:keepalived"]
FIREWALLS = ["firewalld:firewalld", "ufw:ufw", f"{BINDINGS}/dbus:python3-dbus"] if os.environ.get("CI") else []
# So many on the three kernels together.
THOROUGH = {"LVS_KERNELS": "bullseye bookworm trixie", "LVS_RANDOM_TABLES": "1000", "LVS_KILLED_RUNS": "50"}
CHECKED, IMAGES = ("lint", "unit"), ("images",)


def fresh(name: str) -> list[list[str]]:
    """Return the commands after which a molecule scenario begins from nothing."""
    # molecule remembers what an earlier run made, also when its machines were ended by others.
    return [LAB_DOWN, ["molecule", "reset", "--scenario-name", name]]


def scenario(name: str, title: str) -> Part:
    """Return the part that runs a molecule scenario on machines of its own."""
    return Part(title, [*fresh(name), [*MOLECULE, name], LAB_DOWN], name, after=IMAGES)


# Where the order is free, what others wait for comes first, then what leaves the processor to others, and then the long
# ones, so that none is left alone at the end.
PARTS = {
    "lint": Part("linters", [[*NOX, "lint"]]),
    "unit": Part("pure logic", [[*NOX, "unit"]]),
    "images": Part(
        "a machine each of Debian 11, 12 and 13, from nothing where there is no image yet",
        [KERNELS_UP],
        "kernels",
        after=CHECKED,
    ),
    "sanity": Part("ansible-test sanity on the built collection", [[*NOX, "sanity"]], after=CHECKED),
    "cores": Part("each ansible-core that the collection is for", [[*NOX, "cores"]], after=CHECKED),
    "gates": Part("antsibull and galaxy-importer", [[*NOX, "gates"]], after=CHECKED),
    "playbooks": Part(
        "the playbooks on hosts that stand in: dead, hanging, of another cluster, left out",
        # They wait more than they work.
        [[*PYTEST, "--numprocesses=3", "tests/playbooks"]],
        after=CHECKED,
    ),
    "netns": Part(
        "addresses and ARP on this machine's kernel, in network namespaces",
        [
            ["tests/need.sh", *NETNS_NEEDS, *FIREWALLS],
            # They wait more than they work.
            ["python", "tests/as_root.py", *PYTEST, "--numprocesses=3", "tests/netns"],
        ],
        after=CHECKED,
    ),
    "lab": Part("the lab, from nothing", [*fresh("default"), LAB_UP], "test", after=IMAGES),
    "molecule": Part("the cluster, before and after a reboot", [[*MOLECULE, "default"]], "test"),
    "usage": Part("what the README says, typed as it says", [[*PYTEST, "tests/usage"]], "test"),
    "day2": Part(
        "servers updated and the cluster changed under load, and servers that fail", [[*MOLECULE, "day2"]], "test"
    ),
    "teardown": Part("all of that taken away, and nothing left", [[*MOLECULE, "teardown"], LAB_DOWN], "test"),
    "releases": Part(
        "addresses and ARP on Debian 11, 12 and 13, with their kernel, Python, pyroute2 and network managers",
        [[*PYTEST, "--verbose", "--numprocesses=3", MANAGERS, ADDRESSES]],
        "kernels",
        THOROUGH,
        after=IMAGES,
    ),
    "kernel": Part(
        "IPVS on the kernels of Debian 11, 12 and 13, with all random cases, a third on each",
        [[*PYTEST, "--numprocesses=3", f"--ignore={ADDRESSES}", f"--ignore={MANAGERS}", "tests/kernel"]],
        "kernels",
        THOROUGH,
        after=IMAGES,
    ),
    "full": scenario("full", "all that one description can say, before and after a reboot"),
    "gateway": scenario("gateway", "a router that is told who the director is, and servers that answer too"),
    "failover": scenario(
        "failover", "two directors that decide themselves who has the VIPs: handover, death, boot, split brain"
    ),
    "import": scenario("import", "a stranger's playbook with the installed tarball"),
    "tunnel": scenario("tunnel", "a server behind a router serves through tunnels, and another one directly"),
    "arptables": scenario("arptables", "servers that a filter keeps out of ARP, one on a dummy device"),
    "masquerade": scenario("masquerade", "a server on another port behind the director"),
    "kernel-quick": Part(
        "the same with few random cases on one kernel, whose machine stays up: for work on IPVS",
        [KERNELS_UP, [*PYTEST, "-m", "not thorough", "tests/kernel"]],
        "kernels",
        asked=True,
    ),
    "bench": Part(
        "what the collection costs, against what people use today",
        [["python", "-m", "bench", *os.environ.get("LVS_BENCH", "").split()], LAB_DOWN],
        "bench",
        {"PYTHONPATH": "tests:tests/netns:.collections"},
        asked=True,
    ),
}
# molecule's own place for what it knows of a lab is named after the last part of the checkout's path, so that two checkouts
# of one name would share it.
MOLECULE_STATE = Path(__file__).parents[1] / ".cache" / "molecule"
LABS = list(dict.fromkeys(part.lab for part in PARTS.values() if part.lab))
# However the others end, the whole ends with this; parts that are asked for leave their labs for another look.
END = "lab-down"
PARTS[END] = Part("the end of all labs, of which nothing is left", [[*PYTEST, "tests/lab_down"]])


def environment_of(part: Part) -> dict[str, str]:
    """Return what a part's commands find: among it what makes the lab's playbooks and tests speak of its lab."""
    lab = {"LVS_LABS": " ".join(LABS)}
    if part.lab:
        port = FIRST_PORT + PORTS_EACH * LABS.index(part.lab)
        lab.update(LVS_LAB=part.lab, LVS_LAB_SSH_BASE_PORT=str(port))
        lab.update(MOLECULE_EPHEMERAL_DIRECTORY=str(MOLECULE_STATE / part.lab))
        lab.update(dict.fromkeys(FASTER, "") if part.lab in PLAIN_LABS else FASTER)
    return {**lab, **part.environment}


def main(names: list[str]) -> int:
    """Run the named parts, or all that are not only asked for; return the exit status."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"no such part: {', '.join(unknown)}; choose from {', '.join(PARTS)}", file=sys.stderr)
        return 2
    chosen = names or [name for name, part in PARTS.items() if not part.asked]
    parts = {name: part._replace(environment=environment_of(part)) for name, part in PARTS.items() if name in chosen}
    last = {name: part for name, part in parts.items() if name == END}
    first = {name: part for name, part in parts.items() if name != END}
    with long_turns(lab for lab in LABS if lab not in PLAIN_LABS):
        results = {**run_parts(first, JOBS, run_commands), **run_parts(last, 1, run_commands)}
    print("", *table(parts, results), sep="\n")
    return int(any(result.outcome != PASSED for result in results.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
