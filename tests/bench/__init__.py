# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection costs, measured against what people use today: `make bench`."""
