# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole table of a run, settled with what other clusters declare of IPVS on the host. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .._core.owner import Owner
from .._ipvs.describe import service_name
from .._ipvs.model import Table
from .._ipvs.options import WantedService
from .claims import kept_words
from .declarations import Declaration
from .services import refuse_settings, settle_services, unclaimed_settings, without_claimed


class Others(NamedTuple):
    """Other clusters on this host, as a run of `owner` sees them."""

    owner: Owner
    declarations: Sequence[Declaration]

    def settle(self, wanted: Sequence[WantedService]) -> tuple[Sequence[WantedService], list[str]]:
        """See settle_services."""
        return settle_services(wanted, self.owner, self.declarations)

    def settle_settings(
        self, given: Mapping[str, int], kind: str, present: bool
    ) -> tuple[Mapping[str, int], Sequence[str]]:
        """Return the timeouts or sysctls (`kind`) of the run: all of them, or those that it may reset.

        There is a sentence for each that stays. Raises InvalidValue for one to which another cluster declares another
        value.
        """
        if not present:
            return unclaimed_settings(given, kind, self.declarations)
        refuse_settings(given, kind, self.declarations)
        return given, ()

    def split(self, table: Table) -> tuple[Table, list[str]]:
        """Return the table without the services of other clusters, and a sentence for each, as for a purge."""
        free, claimed = without_claimed(table, self.declarations)
        return free, [kept_words(f"Service {service_name(key)}", claim) for key, claim in claimed.items()]
