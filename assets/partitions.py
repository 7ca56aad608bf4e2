"""The partitions facts come in."""

import dagster as dg

FIRST_DAY = "2020-03-16"
"""Mainnet's genesis."""

# end_offset=1: without it the last partition is yesterday, and today could not be materialised.
UTC_DAYS = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, timezone="UTC", end_offset=1)
