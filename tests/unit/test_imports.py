# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages of the collection import one another in one direction, and each rule is broken on purpose once."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import PROJECT
from imports import read_imports, violations

PLUGINS = PROJECT / "plugins"


def test_the_collection_follows_the_rules():
    imports = read_imports(PLUGINS)
    assert len(imports) > 100
    assert violations(imports) == []


@pytest.mark.parametrize("root", ["module_utils", "plugin_utils"])
def test_there_is_nothing_but_packages(root):
    assert [path.name for path in (PLUGINS / root).iterdir() if path.is_file()] == []


def tree(directory: Path, **files: str) -> Path:
    """Return a directory of plugins with these files; ``__`` in a name stands for the next folder."""
    for name, text in files.items():
        path = directory.joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory


@pytest.mark.parametrize(
    ("files", "broken"),
    [
        ({"module_utils__a__plan": "from ..b.model import X", "module_utils__b__model": "import re"}, []),
        (
            {"module_utils__a__run": "from ..b.run import X", "module_utils__b__run": "from ..a.run import Y"},
            ["packages import each other: module_utils/a -> module_utils/b -> module_utils/a"],
        ),
        (
            {
                "module_utils__a__x": "from .. import b",
                "module_utils__b__x": "from ..c import x",
                "module_utils__c__x": "def late():\n    from ..a.x import y\n",
            },
            [],
        ),
        (
            {
                "module_utils__a__x": "from ..b import x",
                "module_utils__b__x": "from ..c import x",
                "module_utils__c__x": "def late():\n    from ..a.x import y\n",
            },
            ["packages import each other: module_utils/a -> module_utils/b -> module_utils/c -> module_utils/a"],
        ),
        (
            {"module_utils__a__plan": "from .words import say", "module_utils__a__words": "import socket"},
            ["module_utils/a/plan decides, and imports socket in module_utils/a/words"],
        ),
        (
            {"module_utils__a__options": "from ..b.client import X", "module_utils__b__client": "import re"},
            ["module_utils/a/options decides, and imports module_utils/b/client in module_utils/a/options"],
        ),
        (
            {"module_utils__a__run": "from ansible.module_utils.basic import AnsibleModule"},
            ["module_utils/a/run imports Ansible; only module_utils/_module does"],
        ),
        ({"module_utils___module__runner": "from ansible.module_utils.basic import AnsibleModule"}, []),
        (
            {
                "module_utils__a__run": "from ansible_collections.lvs.cluster.plugins.plugin_utils.b import view",
                "plugin_utils__b__view": "import re",
            },
            ["module_utils/a/run goes to the host and imports plugin_utils/b/view, which stays on the controller"],
        ),
        (
            {"module_utils__a__run": "def late():\n    from .plan import X\n", "module_utils__a__plan": "import re"},
            ["module_utils/a/run imports module_utils/a/plan of its own package inside a function"],
        ),
        ({"module_utils__flat": "import re"}, ["module_utils/flat is in no package"]),
    ],
)
def test_each_rule(tmp_path, files, broken):
    assert violations(read_imports(tree(tmp_path, **files))) == broken
