# SPDX-License-Identifier: GPL-3.0-or-later
"""The forking Python of the tests' machines: a program that it runs behaves as under any other Python."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from commands import PROJECT
from tools import pythons

HOME = PROJECT / "tests/fast_lab/overlay/files/usr/local/lib/lvs-lab"
# Those of Debian 11, 12 and 13, where they are here.
PYTHONS = {version: path for version, path in pythons().items() if version in ("3.9", "3.11", "3.13")}
# A module of Ansible's as the lab has its sources, and the archive's own program that brings another or the same.
BASIC = "import base64\n\nVALUE = {value!r}\nEXECUTED_BY = __import__('os').getpid()\n"
SENT = """
import sys
sys.path.insert(0, {archive!r})
import os
from ansible.module_utils import basic
print(basic.VALUE, basic.EXECUTED_BY == os.getpid(), basic.__file__ == {archive!r} + "/ansible/module_utils/basic.py")
"""


class Begun:
    """A Python that has begun, and the program that has it run another."""

    def __init__(self, directory: Path, python: str) -> None:
        self.path = directory / "python"
        sources = directory / "ansible" / "module_utils"
        sources.mkdir(parents=True)
        for package in (sources, sources.parent):
            (package / "__init__.py").touch()
        (sources / "basic.py").write_text(BASIC.format(value="known"))
        for name, (former, here) in {
            "begun_python.py": ("", ""),
            "ask_python.py": ("/run/lvs-lab/python", str(self.path)),  # /run is root's
            "python3": ("/usr/bin/python3", python),
        }.items():
            text = (HOME / name).read_text()
            assert former in text
            (directory / name).write_text(text.replace(former, here).replace("/usr/bin/python3", python))
        self.program = ["/bin/sh", str(directory / "python3")]
        # As systemd does: the socket that listens is file 3 of the one that is begun, and nobody else's.
        begin = (
            "import os, sys; os.dup2(int(sys.argv[1]), 3); os.closerange(4, 256); os.execv(sys.argv[2], sys.argv[2:])"
        )
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(str(self.path))
            listener.listen()
            command = [sys.executable, "-c", begin, str(listener.fileno()), python, str(directory / "begun_python.py")]
            self.server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, pass_fds=[listener.fileno()])

    def run(self, program: str, *arguments: str, **options) -> subprocess.CompletedProcess[str]:
        """Run a program that is on standard input."""
        return subprocess.run(
            [*self.program, *arguments],
            input=program,
            capture_output=True,
            text=True,
            timeout=60,
            **options,
        )

    def parent_of(self, program: str, *arguments: str) -> int:
        """Return the process that forked the one in which a program that prints that of its parent is run."""
        done = self.run(program, *arguments)
        assert done.returncode == 0, done.stderr
        return int(done.stdout)


@pytest.fixture(params=PYTHONS or {"this": sys.executable})
def begun(request, tmp_path):
    one = Begun(tmp_path, PYTHONS.get(request.param, sys.executable))
    yield one
    one.server.kill()
    one.server.communicate()


def test_it_is_forked(begun):
    assert begun.parent_of("import os; print(os.getppid())") == begun.server.pid


@pytest.mark.parametrize(
    ("program", "status", "stdout", "stderr"),
    [
        ("print('said')", 0, "said\n", ""),
        ("import sys; sys.exit(3)", 3, "", ""),
        ("raise SystemExit", 0, "", ""),
        ("raise SystemExit('told')", 1, "", "told\n"),
        ("import atexit; atexit.register(print, 'last'); print('first')", 0, "first\nlast\n", ""),
        (
            "import sys; print(__name__, sys.argv, sys.path[0] == '', '__file__' in globals())",
            0,
            "__main__ [''] True False\n",
            "",
        ),
        ("import __main__; here = 1; print(__main__.here)", 0, "1\n", ""),
        ("import sys; print('ansible' in sys.modules, 'base64' in sys.modules)", 0, "False True\n", ""),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137, "", ""),
    ],
)
def test_it_ends_as_python_does(begun, program, status, stdout, stderr):
    done = begun.run(program)
    assert (done.returncode, done.stdout, done.stderr) == (status, stdout, stderr)


def test_an_error_is_told(begun):
    done = begun.run("def one():\n    raise ValueError('this')\n\n\none()\n")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert 'File "<stdin>", line 2, in one' in done.stderr
    assert done.stderr.endswith("ValueError: this\n")
    assert begun.run("print(1").returncode == 1


def test_it_is_where_and_who_asks_for_it(begun, tmp_path):
    program = "import json, os; print(json.dumps([os.getcwd(), dict(os.environ), os.umask(0)]))"
    done = begun.run(program, cwd=tmp_path, env={"PATH": "/nowhere", "ASKED": "yes"}, umask=0o027)
    directory, environment, umask = json.loads(done.stdout)
    assert (directory, umask) == (str(tmp_path), 0o027)
    # Python sets LC_CTYPE where there is no locale, and sh PWD, as the one does that Ansible begins.
    added = {"LC_CTYPE", "PWD"}
    assert {key: value for key, value in environment.items() if key not in added} == {
        "PATH": "/nowhere",
        "ASKED": "yes",
    }
    shown = begun.run(
        "import subprocess; print(subprocess.run(['/usr/bin/env'], capture_output=True, text=True).stdout)",
        env={"ASKED": "yes"},
    )
    assert "ASKED=yes" in shown.stdout


def test_no_file_of_the_server_is_open_in_it(begun):
    """Nor one of another run that goes on meanwhile."""
    with subprocess.Popen(begun.program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        other.stdin.write("import sys; print('runs', flush=True); sys.stdin.readline()")
        other.stdin.close()
        assert other.stdout.readline() == "runs\n"
        done = begun.run("import os; print(sorted(map(int, os.listdir('/proc/self/fd'))))")
        # The last one is that of the directory itself.
        assert json.loads(done.stdout) == [0, 1, 2, 3]


def test_each_is_a_process_of_its_own(begun):
    program = "import os, json; json.kept = getattr(json, 'kept', 0) + 1; print(json.kept)"
    assert [begun.run(program).stdout for _ in range(2)] == ["1\n", "1\n"]


@pytest.mark.parametrize(("value", "executed"), [("known", False), ("changed", True)])
def test_what_was_sent_is_what_is_executed(begun, tmp_path, value, executed):
    """Only when it is the very same is it not executed once more."""
    archive = tmp_path / "sent.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as sent:
        sent.writestr("ansible/__init__.py", "__version__ = '1'\n")
        sent.writestr("ansible/module_utils/__init__.py", "")
        sent.writestr("ansible/module_utils/basic.py", BASIC.format(value=value))
    done = begun.run(SENT.format(archive=str(archive)))
    assert done.stdout == f"{value} {executed} True\n", done.stderr


def test_other_calls_are_left_to_python(begun):
    parents = [
        begun.parent_of("", "-c", "import os; print(os.getppid())"),
        begun.parent_of("import os; print(os.getppid())", "-"),
    ]
    assert parents == [os.getpid()] * 2


def test_without_a_server_python_itself_runs_it(begun):
    begun.server.kill()
    begun.server.wait()
    assert begun.parent_of("import os; print(os.getppid())") == os.getpid()
