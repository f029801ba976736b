# SPDX-License-Identifier: GPL-3.0-or-later
"""A Python that has begun already, and has imported what Ansible's modules import: each run of one is forked from it.

To begin one and to import costs an emulated processor more than what a module then does. A run is still a process of
its own, with the streams, directory, environment and umask of the one that asked for it (ask_python.py), and executes
what was sent to it: what was imported here of Ansible itself takes the place of what an archive brings only when all
of it has the same source.

It has the socket that listens from who begins it, as its file 3 (sd_listen_fds(3)): systemd, when the first asks.
"""

import atexit
import contextlib
import gc
import importlib.machinery
import marshal
import os
import selectors
import socket
import sys
import types
import zipfile
import zipimport
import zlib

LISTENING = 3
# Ansible's own sources are beside this file.
HERE = os.path.dirname(os.path.abspath(__file__))
ANSIBLE = ("ansible.module_utils.basic", "ansible.module_utils._internal._ansiballz._loader")
# What the archives' own program imports; what the modules of this collection, apt and firewalld are made with.
LIBRARIES = ("base64", "runpy", "shutil", "tempfile", "apt", "dbus", "nftables", "pyroute2")


class Imported:
    """Finds modules that are imported already, for whoever has an archive with the same sources on the path."""

    def __init__(self, modules):
        self._modules, self._sums, self._seen = modules, {}, {}
        for name, module in modules.items():
            with open(module.__file__, "rb") as file:
                self._sums[name] = zlib.crc32(file.read())

    def find_spec(self, name, path=None, target=None):
        """Return the specification of such a module; None leaves a module to others."""
        module = self._modules.get(name)
        if not module or not path or ".zip/" not in path[0]:
            return None
        archive = zipimport.zipimporter(path[0])
        if not self._has_the_same(archive.archive):
            self._modules = {}
            return None
        spec = importlib.machinery.ModuleSpec(name, self, is_package=hasattr(module, "__path__"))
        spec.origin = f"{archive.archive}/{self._file(name)}"
        if hasattr(module, "__path__"):
            module.__path__ = spec.submodule_search_locations = [os.path.dirname(spec.origin)]
        module.__file__, module.__loader__, module.__spec__ = spec.origin, archive, spec
        return spec

    def create_module(self, spec):
        """Return the module, which has been executed."""
        return self._modules[spec.name]

    def exec_module(self, module):
        """Do nothing more with it."""

    def _file(self, name):
        return name.replace(".", "/") + ("/__init__.py" if hasattr(self._modules[name], "__path__") else ".py")

    def _has_the_same(self, archive):
        """Say whether no module has another source in this archive, whose entries have each a sum of theirs."""
        if archive not in self._seen:
            with zipfile.ZipFile(archive) as opened:
                sent = {entry.filename: entry.CRC for entry in opened.infolist()}
            self._seen[archive] = all(sent.get(self._file(name), own) == own for name, own in self._sums.items())
        return self._seen[archive]


def prepare():
    """Import what runs will want; take what is Ansible's out of sys.modules again, and return what finds it."""
    for name in (*ANSIBLE, *LIBRARIES):
        try:
            importlib.import_module(name)
        except ImportError as error:  # such as where a release has no such library
            print(f"not imported: {name}: {error}", flush=True)
    sys.path.remove(HERE)  # where Python has put it, as the place of this program
    modules = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "ansible"}
    # Of the two packages on top an archive has its own; what has no file (six.moves) another module makes and finds.
    for name in ("ansible", "ansible.module_utils"):
        modules.pop(name, None)
    return Imported({name: module for name, module in modules.items() if hasattr(module, "__file__")})


def serve(listener):
    """Fork for each request; return, in the forked process only, the program that it is to run."""
    gc.collect()
    gc.freeze()  # else the collector would write to, and so copy, all of it in each forked process
    waiting = selectors.DefaultSelector()
    waiting.register(listener, selectors.EVENT_READ)
    notify("READY=1")
    while True:
        for key, _events in waiting.select():
            if key.data:
                waiting.unregister(key.fd)
                end(key.fd, *key.data)
                continue
            connection, _address = listener.accept()
            told, files, _flags, _sender = socket.recv_fds(connection, 1 << 20, 4)
            pid = os.fork()
            if not pid:
                # What is left open, or open without its object, would meet the program's own files.
                for other in waiting.get_map().values():
                    if other.data:
                        os.close(other.fd)
                        other.data[1].close()
                for one in (connection, listener, waiting):
                    one.close()
                return become(*marshal.loads(told), files)
            for file in files:
                os.close(file)
            waiting.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, connection))


def notify(state):
    """Tell systemd, where it asked to be told."""
    if "NOTIFY_SOCKET" in os.environ:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
            one.sendto(state.encode(), os.environ["NOTIFY_SOCKET"])


def end(process, pid, connection):
    """Tell who asked how the process ended, as a shell would: 128 and the signal's number, for one."""
    os.close(process)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with connection, contextlib.suppress(OSError):  # who asked is gone
        connection.send(marshal.dumps(status if status >= 0 else 128 - status))


def become(environment, umask, files):
    """Take the place of who asked, and return the program that it has on standard input."""
    os.setsid()
    os.fchdir(files[3])
    for number in range(3):
        os.dup2(files[number], number)
    for file in files:
        os.close(file)
    os.environb.clear()
    os.environb.update(environment)
    os.umask(umask)
    with open(0, "rb", closefd=False) as stdin:
        return stdin.read()


def run(program):
    """Run a program as Python does with one on its standard input, and end."""
    sys.modules["__main__"] = main = types.ModuleType("__main__")
    sys.argv[:], sys.path[:0] = [""], [""]
    status = None
    try:
        exec(compile(program, "<stdin>", "exec", dont_inherit=True), main.__dict__)
    except SystemExit as asked:
        status = asked.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    if status is not None and not isinstance(status, int):
        print(status, file=sys.stderr)
        status = 1
    # To clear up all that was imported would take as long as a module does.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit((status or 0) & 0xFF)


if __name__ == "__main__":
    imported = prepare()
    program = serve(socket.socket(fileno=LISTENING))
    sys.meta_path.insert(0, imported)
    run(program)
