"""The list of exchange wallets: the shipped one is whole, and what cannot be used is said in one line."""

from typing import Any

import pytest

from oof_pipelines.chain.base58 import is_pubkey
from oof_pipelines.chain.exchanges import ExchangeConfigError, read_exchanges
from oof_pipelines.config_files import read_config
from oof_pipelines.decode.curve import is_off_curve

BINANCE = "5tzFkiKscXHK5ZXCGbXZxdw7gTjjD1mBwuoFbhUvuAi9"
ENTRY = {"address": BINANCE, "name": "Binance", "sources": ["dune"]}


def test_the_shipped_list_names_wallets_that_can_sign() -> None:
    exchanges = read_exchanges(read_config("exchanges.yaml"))
    assert len(exchanges) >= 20
    assert exchanges[BINANCE] == "Binance"
    assert all(is_pubkey(address) and not is_off_curve(address) for address in exchanges)
    assert len(set(exchanges.values())) >= 10


def test_an_empty_list_is_one() -> None:
    assert read_exchanges({"exchanges": []}) == {}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (None, "wants one list"),
        ({"exchanges": [], "more": 1}, "wants one list"),
        ({"exchanges": {}}, "is no list"),
        ({"exchanges": ["Binance"]}, "entry 1 wants address, name, sources"),
        ({"exchanges": [ENTRY | {"note": ""}]}, "entry 1 wants address, name, sources"),
        ({"exchanges": [ENTRY | {"address": "Binance"}]}, "is no address"),
        ({"exchanges": [ENTRY | {"address": 5}]}, "is no address"),
        ({"exchanges": [ENTRY | {"name": " "}]}, "it has no name"),
        ({"exchanges": [ENTRY | {"sources": []}]}, "sources are"),
        ({"exchanges": [ENTRY | {"sources": ["hearsay"]}]}, "sources are"),
        ({"exchanges": [ENTRY, ENTRY]}, "stands twice"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(values: Any, words: str) -> None:
    with pytest.raises(ExchangeConfigError, match=words) as caught:
        read_exchanges(values)
    assert "exchanges.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)
