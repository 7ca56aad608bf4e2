"""BisonFi: recorded swaps of both tags."""

import pytest
from recorded_bodies import Recorded
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import Leg, Reserve
from oof_pipelines.decode.money import USDC_MINT

RECORDED = {
    "2orRh64eJCGPWXa5Se1e6Jm6mYZoQczs8K4x3Y7TUx2HPNDfF5E4tvnADBSDFtJdXCG9cPH9EU4xHLzsn3RwWGgr": [
        Leg(
            path="4.1",
            program_id="BiSoNHVpsVZW2F7rx2eQ59yQwKxzU5NvBcmKshCSUypi",
            venue="bisonfi",
            pool="6b5LxeDVxqCGAhZjjjgieGP71c5GBt2cBwiafCFX6NMU",
            trader="ARu4n5mFdZogZAravu7CcizaojWnS6oqka37gdLT5SZn",
            sold_mint="USD1ttGY1N17NEEHLmELoaybftRBUSErhqYiQzvEmuB",
            sold_raw=999855349,
            bought_mint=NATIVE_MINT,
            bought_raw=11979511504,
            reserves=(
                Reserve(mint=NATIVE_MINT, before_raw=614435936799, after_raw=602456425295),
                Reserve(
                    mint="USD1ttGY1N17NEEHLmELoaybftRBUSErhqYiQzvEmuB", before_raw=476191597320, after_raw=477191452669
                ),
            ),
        ),
        Leg(
            path="4.5",
            program_id="BiSoNHVpsVZW2F7rx2eQ59yQwKxzU5NvBcmKshCSUypi",
            venue="bisonfi",
            pool="8FnX3xo2yYw3EUE6w3nQA4GfXGS9wpK6oj3veJpbFzLo",
            trader="ARu4n5mFdZogZAravu7CcizaojWnS6oqka37gdLT5SZn",
            sold_mint=NATIVE_MINT,
            sold_raw=11979511504,
            bought_mint=USDC_MINT,
            bought_raw=1000065918,
            reserves=(
                Reserve(mint=NATIVE_MINT, before_raw=24666366218832, after_raw=24678345730336),
                Reserve(mint=USDC_MINT, before_raw=1971377268020, after_raw=1970377202102),
            ),
        ),
    ],
    "4QvTLiNg48ecSdHQ3YwPKkmpewJNUL7ARJsGL7nGyJ5WSaBgxL9GnFmDzq5NukCRzSx6e61QHeC9XMMHQQbAeWmk": [
        Leg(
            path="2.9",
            program_id="BiSoNHVpsVZW2F7rx2eQ59yQwKxzU5NvBcmKshCSUypi",
            venue="bisonfi",
            pool="8FnX3xo2yYw3EUE6w3nQA4GfXGS9wpK6oj3veJpbFzLo",
            trader="a7JqDmv5zTyh9cQBtsVreYWpeW1vZZ5CDRAN3nyGLXC",
            sold_mint=NATIVE_MINT,
            sold_raw=198252165,
            bought_mint=USDC_MINT,
            bought_raw=16529945,
            reserves=(
                Reserve(mint=NATIVE_MINT, before_raw=26153242954999, after_raw=26153441207164),
                Reserve(mint=USDC_MINT, before_raw=1846777598654, after_raw=1846761068709),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "bisonfi")
    assert facts == RECORDED[signature]
