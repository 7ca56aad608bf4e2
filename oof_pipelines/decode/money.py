"""Which side of a pair is the money: the mints that prices are quoted in, in the order in which they quote each other."""

from oof_pipelines.chain.moves import NATIVE_MINT

USDC_MINT = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
USDT_MINT = "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"
QUOTE_MINTS = (USDC_MINT, USDT_MINT, NATIVE_MINT)


def base_and_quote(first: str, second: str) -> tuple[str, str]:
    """(coin, money) of a pair of mints; in the order given where neither or both of one rank are money."""
    ranks = [QUOTE_MINTS.index(mint) if mint in QUOTE_MINTS else len(QUOTE_MINTS) for mint in (first, second)]
    return (second, first) if ranks[0] < ranks[1] else (first, second)
