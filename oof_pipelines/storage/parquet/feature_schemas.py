"""features_1m: a row a coin, minute, venue and money. What each column means says features/rows.py."""

import pandera.polars as pa

from oof_pipelines.features.finished_rows import FEATURE_TYPES
from oof_pipelines.features.rows import PAR
from oof_pipelines.storage.parquet.dataset import make_dataset

_SHARE = pa.Check.in_range(0, 1)
_AT_LEAST_0 = pa.Check.ge(0)
_CHECKS = {
    **dict.fromkeys(("trades", "uniq_signers", "holders_touched"), pa.Check.ge(1)),
    **dict.fromkeys(("buys", "sells", "vol_in_raw", "vol_out_raw", "base_volume_raw"), _AT_LEAST_0),
    **dict.fromkeys(("base_decimals", "quote_decimals"), pa.Check.in_range(0, 255)),
    **dict.fromkeys(("vol_in_sol", "vol_out_sol", "volume_usd", "open_price", "close_price"), _AT_LEAST_0),
    **dict.fromkeys(("sol_usd_confidence", "whale_share_top5", "large_trade_share"), _SHARE),
    "sol_usd": pa.Check.gt(0),
    "usd_source": pa.Check.isin(["", PAR, "klines", "pyth", "jupiter"]),
    "sol_usd_source": pa.Check.isin(["", "klines", "pyth", "jupiter"]),
    "price_change": pa.Check.ge(-1),
    "realised_volatility": _AT_LEAST_0,
}
_NULLABLE = frozenset(
    {
        *("base_decimals", "quote_decimals", "vol_in_sol", "vol_out_sol", "net_inflow_sol", "volume_usd", "sol_usd"),
        *("sol_usd_confidence", "whale_share_top5", "large_trade_share", "open_price", "close_price", "price_change"),
        "realised_volatility",
    }
)
_KEY = ("mint", "bucket_start", "venue", "quote_mint")

FEATURES_1M = make_dataset(
    "features_1m",
    {name: pa.Column(dtype, _CHECKS.get(name), nullable=name in _NULLABLE) for name, dtype in FEATURE_TYPES.items()},
    key=_KEY,
    sort_by=_KEY,
)
"""Sorted by coin, so that the rows of one are found without reading those of the others."""
