# SPDX-License-Identifier: GPL-3.0-or-later
"""verify_info's options, before any host is looked at."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.modules.verify_info import answer


def test_a_bad_timeout_is_refused_also_where_there_is_no_path_to_prove(error_words):
    options = {"addresses": [], "interface": None, "paths": [], "boots": [], "table": False, "timeout": 0.0}
    with pytest.raises(InvalidValue) as caught:
        answer(options)
    assert error_words(caught.value) == ("timeout", 0.0)
