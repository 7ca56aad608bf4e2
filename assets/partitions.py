"""The partitions facts come in: UTC days, and buckets of wallets."""

import dagster as dg

from oof_pipelines.chain.wallet_bucket import WALLET_BUCKETS

FIRST_DAY = "2020-03-16"
"""Mainnet's genesis."""

# end_offset=1: without it the last partition is yesterday, and today could not be materialised.
UTC_DAYS = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, timezone="UTC", end_offset=1)
"""Facts by the UTC day of their block time."""

WALLET_BUCKET_KEYS = dg.StaticPartitionsDefinition([f"{bucket:02d}" for bucket in range(WALLET_BUCKETS)])
"""Facts by wallet: a wallet is a row, never a partition."""
