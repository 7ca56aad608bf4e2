"""SolFi: recorded swaps of both versions, in both directions."""

import pytest
from recorded_bodies import Recorded
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import Leg, Reserve
from oof_pipelines.decode.money import USDC_MINT

RECORDED = {
    "4G1gvudg2PyQV17v8agjHKYJQA9bxxJtMWEvKzk1Lb9k5yHTj3dnrvDGEiaDT7qSYePvswBrUq1bC5j4iPbk5gzQ": [
        Leg(
            path="1.0",
            program_id="SoLFiHG9TfgtdUXUjWAxi3LtvYuFyDLVhBWxdMZxyCe",
            venue="solfi",
            pool="FeLULW5RCKDT2NuThu4vrAQ8BjH5YbU2Y7GbiZXYohm8",
            trader="FvTqiyvB52rmV82jj9Wc5efLyuWht9vprr8bivDBzGnV",
            sold_mint=USDC_MINT,
            sold_raw=500000000,
            bought_mint="9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump",
            bought_raw=812420478,
            reserves=(
                Reserve(
                    mint="9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump", before_raw=673464666138, after_raw=672652245660
                ),
                Reserve(mint=USDC_MINT, before_raw=352444368334, after_raw=352944368334),
            ),
        ),
    ],
    "4VhDRLUK5QDZ6kgN9PCeEoztUraCibwYA3XaLZUKhfwWxqeN96Qg7Ep4w2j5C1VtggbuU6dqkGczGC537byu9hG3": [
        Leg(
            path="8.1",
            program_id="SoLFiHG9TfgtdUXUjWAxi3LtvYuFyDLVhBWxdMZxyCe",
            venue="solfi",
            pool="3AbG3ZA19fJKjTSTMTCz7j2bodPagXog4PwTBi8H7UA4",
            trader="GGztQqQ6pCPaJQnNpXBgELr5cs3WwDakRbh1iEMzjgSJ",
            sold_mint="6p6xgHyF7AeE6TZkSmFsko444wqoP15icUSqi2jfGiPN",
            sold_raw=49563,
            bought_mint=USDC_MINT,
            bought_raw=543506,
            reserves=(
                Reserve(
                    mint="6p6xgHyF7AeE6TZkSmFsko444wqoP15icUSqi2jfGiPN", before_raw=24228280540, after_raw=24228330103
                ),
                Reserve(mint=USDC_MINT, before_raw=248776975639, after_raw=248776432133),
            ),
        ),
    ],
    "4A2DYHUqkMEBNJX1VMxDZfGMmzCGm3t6DFx91es17rdt7Bop2iQ8mMrqeSEwfynVSpVEirnRybFAsppc9wVwQ6Fs": [
        Leg(
            path="2.0",
            program_id="SV2EYYJyRz2YhfXwXnhNAevDEui5Q6yrfyo13WtupPF",
            venue="solfi_v2",
            pool="65ZHSArs5XxPseKQbB1B4r16vDxMWnCxHMzogDAqiDUc",
            trader="F7p3dFrjRTbtRp8FRF6qHLomXbKRBzpvBLjtQcfcgmNe",
            sold_mint=USDC_MINT,
            sold_raw=4890552,
            bought_mint=NATIVE_MINT,
            bought_raw=55932618,
            reserves=(
                Reserve(mint=NATIVE_MINT, before_raw=32499930003416, after_raw=32499874070798),
                Reserve(mint=USDC_MINT, before_raw=2771431038307, after_raw=2771435928859),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "solfi", "solfi_v2")
    assert facts == RECORDED[signature]
