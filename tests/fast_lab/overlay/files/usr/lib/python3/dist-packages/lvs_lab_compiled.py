# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep what Python compiles of zip archives, for the next time.

Ansible sends each module as a zip archive of sources, which Python compiles anew in each run: half of what a module run
costs an emulated processor. All else about a run stays as it is. Begun by lvs_lab_compiled.pth; without that file
nothing of it is there.
"""

import _imp
import marshal
import os
import sys
import zipimport

KEPT = "/var/cache/lvs-lab-compiled"
_compile = zipimport._compile_source


def _compiled(path, source):
    kept = f"{KEPT}/{_imp.source_hash(sys.hexversion, bytes(source)).hex()}"
    try:
        with open(kept, "rb") as file:
            return marshal.loads(file.read())
    except OSError:  # not kept yet
        pass
    code = _compile(path, source)
    try:
        os.makedirs(KEPT, exist_ok=True)
        with open(f"{kept}.{os.getpid()}", "wb") as file:
            file.write(marshal.dumps(code))
        os.rename(file.name, kept)
    except OSError:  # such as for those who may not write there
        pass
    return code


def keep(directory):
    """Keep what the sources below a directory are compiled to; one that is for a newer Python is left to its run."""
    for where, _directories, names in os.walk(directory):
        for name in names:
            if name.endswith(".py"):
                path = os.path.join(where, name)
                with open(path, "rb") as file:
                    source = file.read()
                try:
                    _compiled(path, source)
                except SyntaxError as error:
                    print(f"{path} is left out: {error.msg}")


zipimport._compile_source = _compiled
