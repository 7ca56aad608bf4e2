"""Who says what a SOL is worth, of those that the settings may name."""

from oof_pipelines.pricing.sol_usd import KLINES
from oof_pipelines.settings import NO_SOURCE, Settings
from oof_pipelines.storage.kline_files import KlineFiles
from oof_pipelines.storage.postgres.price_ticks import PostgresTicks


def sol_usd_source(settings: Settings, database_url: str) -> KlineFiles | PostgresTicks | None:
    """The source that OOF_SOL_USD_SOURCE names; None where nobody is asked."""
    if settings.sol_usd_source == NO_SOURCE:
        return None
    if settings.sol_usd_source == KLINES:
        return KlineFiles(settings.sol_usd_klines)
    return PostgresTicks(database_url, settings.sol_usd_source)
