# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command that README and the guides tell people to type, and what executes it.

Each is here once: run by `usage` on the lab (TYPED), run by the unit tests (HERE), executed by another test, named with the
words that it has there (ELSEWHERE), or executed by none, with the reason (NOT_EXECUTED).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from commands import PROJECT

README, GUIDES = PROJECT / "README.md", PROJECT / "docs" / "docsite" / "rst"
_PROGRAMS = ("ansible", "ansible-doc", "ansible-galaxy", "ansible-playbook", "ip", "make", "python")
_PLAYBOOK = "ansible-playbook -i inventory"

# On the lab, in this order, with its inventory and one of its servers; see typed_on_the_lab.
TYPED = (
    "ansible-playbook -i inventory lvs.cluster.preflight",
    "ansible-playbook -i inventory lvs.cluster.status",
    "ansible-playbook -i inventory lvs.cluster.status -e status_file=status.json",
    "ansible-playbook -i inventory lvs.cluster.drain -e servers=web1 -e drain_timeout=600",
    "ansible-playbook -i inventory lvs.cluster.restore -e servers=web1",
    "ansible-playbook -i inventory lvs.cluster.verify -e verify_report=report.html",
    "ansible-playbook -i inventory lvs.cluster.adopt",
    "ansible-playbook -i inventory lvs.cluster.adopt -e adopt_directory=.",
    'ansible rs1 -i lab -m command -a "ip address show dev lo"',
)
HERE = ("ansible-doc -t role lvs.cluster.director", "ansible-doc lvs.cluster.ipvs_service")
_VERIFY = ("molecule/day2/tests/test_day2.py", 'playbook("verify"')
ELSEWHERE = {
    "ansible-galaxy collection install build/lvs-cluster-*.tar.gz": (
        "molecule/import/prepare.yml",
        "ansible-galaxy, collection, install",
    ),
    "ansible-playbook -i inventory lvs.cluster.rolling -e rolling_tasks=update.yml": (
        "molecule/day2/tests/test_day2.py",
        'playbook("rolling"',
    ),
    "ansible-playbook -i inventory lvs.cluster.site": ("site.yml", "lvs.cluster.site"),  # which is typed too, see below
    "ansible-playbook -i inventory lvs.cluster.site --check --diff": (
        "tests/usage/test_commands.py",
        '"-i", "lab", "--check", "--diff"',
    ),
    "ansible-playbook -i inventory lvs.cluster.failover -e to=lb2": (
        "molecule/failover/tests/test_failover.py",
        'well("failover", "-e", "to=standby")',
    ),
    "ansible-playbook -i inventory lvs.cluster.verify": _VERIFY,
    "ansible-playbook lvs.cluster.verify -i lab": _VERIFY,
    "ansible-playbook -i inventory lvs.cluster.teardown": ("molecule/teardown/side_effect.yml", "lvs.cluster.teardown"),
    "ansible-playbook site.yml -i lab": ("tests/usage/test_commands.py", '"ansible-playbook", "site.yml", "-i", "lab"'),
    "ip fou add port 6080 gue": ("molecule/tunnel/prepare.yml", "ip fou add port 6080 gue"),
    "make docs": ("noxfile.py", '"docs": partial(build_docs, session)'),
}
_TESTS = "runs the tests themselves"
_LOOKS = "a program of the host's own, on a host of the reader's"
NOT_EXECUTED = {
    ". .venv/bin/activate": "is for the reader's shell",
    'LVS_BENCH="failover" make bench': "takes minutes, and its result is a table of times, which no test judges",
    "make bench": "takes half an hour, and its result is a table of ratios, which no test judges",
    "make build": "what it runs, ansible-galaxy collection build, is run by `gates` and `usage`",
    "make check": _TESTS,
    "make kernel": _TESTS,
    "make lab": "makes .venv, and runs what the part `lab` and ELSEWHERE's site.yml run",
    "make lab-down": "would end every lab of the person's; the part `lab-down` looks at the end of the tests' own",
    "make picture": "needs a lab with a cluster, and a browser that draws the page",
    "make test": _TESTS,
    "ansible-playbook -i inventory lvs.cluster.drain -e servers=web1,web2": "would empty the lab's pool; TYPED drains one",
    "ansible-playbook -i inventory lvs.cluster.restore -e servers=web1,web2": "goes with that; TYPED restores one",
    "cat /etc/lvs-cluster/director.json": _LOOKS,
    "ip address show to 192.0.2.30": _LOOKS,
    "ipvsadm -Ln --stats": _LOOKS,
    "journalctl -u lvs-cluster-director": _LOOKS,
    "nft list ruleset": _LOOKS,
    "sysctl net.ipv4.conf.all.arp_ignore net.ipv4.conf.eth0.arp_ignore": _LOOKS,
    "systemctl status lvs-cluster-director": _LOOKS,
}


def commands() -> dict[str, list[str]]:
    """Return command -> the files that tell people to type it."""
    found: dict[str, list[str]] = {}
    sources = [(README, _of_markdown), *((path, _of_rst) for path in sorted(GUIDES.glob("*.rst")))]
    for path, read in sources:
        for command in read(path.read_text(encoding="utf-8")):
            found.setdefault(command, []).append(path.name)
    return found


def _of_markdown(text: str) -> Iterator[str]:
    for code in re.findall(r"^```shell\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield from _lines(code)
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    for command in re.findall(r"`([^`\n]+)`", prose):
        words = command.split()
        if command.startswith("lvs.cluster.") and ("-e" in words or f"| `{command}` |" in _tables(prose)):
            yield f"{_PLAYBOOK} {command}"
        elif len(words) > 1 and words[0] in _PROGRAMS and words[-1] != "...":
            yield command


def _tables(text: str) -> str:
    """Return the rows of the table that says what follows `ansible-playbook -i inventory`."""
    return text.partition(f"| `{_PLAYBOOK} ...` |")[2].partition("\n\n")[0]


def _of_rst(text: str) -> Iterator[str]:
    for block in re.findall(r"^ *\.\. code-block:: shell\n\n((?: +.*\n|\n)+)", text, re.MULTILINE):
        indent = len(block) - len(block.lstrip(" "))
        yield from _lines("\n".join(line[indent:] for line in block.splitlines() if line.startswith(" " * indent)))


def _lines(code: str) -> Iterator[str]:
    for line in code.splitlines():
        command = re.sub(r"\s+#.*", "", line).strip()
        if command:
            yield command


def typed_on_the_lab(command: str, folder: Path) -> str:
    """Return a command of TYPED with the lab's inventory and server, its files in `folder`."""
    typed = command.replace("-i inventory", "-i lab").replace("servers=web1", "servers=rs1")
    return re.sub(r"(status_file|verify_report|adopt_directory)=(\S+)", rf"\1={folder}/\2", typed)
