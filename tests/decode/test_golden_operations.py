"""Recorded transactions that transfer, mint, burn, stake, open and close: the whole expected book, by signature."""

import pytest
from golden import render
from recorded_bodies import Recorded

from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.decoded import decode_transaction

GOLDEN = {
    # a tip and nothing else
    "t6DpS6U7G2UG4QwDq4mPM7F45Rnttxp2pHGRwTYsF7frxAs7KmSWWDcpMneMUULbKndkZy8iUvSU1AZUsqzDCPN": """
        fee fee_base lamports: DyB4 -5000, (validator_fee) +5000
        0 tip lamports: DyB4 -2173, DfXy +2173
        --
        fee fee DyB4 lamports 5000
        0 tip DyB4 → DfXy lamports 2173
    """,
    # a stake account made with a seed, filled and delegated
    "2BhH7DcQJMPBZfLQDjLCSqhygzzwXiviGmLaLaojNUm3StihhLZaD1A7TXdfm6V8vR76VVsXvXmqTdVy2KPwYJau": """
        fee fee_base lamports: HuUp -5000, (validator_fee) +5000
        fee fee_priority lamports: HuUp -12733, (validator_fee) +12733
        2 stake lamports: HuUp -1983000000, HhJK +1983000000
        2 rent lamports: HuUp -2282880, HhJK +2282880
        --
        fee fee HuUp lamports 17733
        2 stake HuUp → HhJK lamports 1983000000
        2 account_open HuUp → HhJK lamports 2282880
    """,
    # stake accounts merged
    "k78n39QMtVDUFHDFGgyZRvHqxArVVhqP7ZhD4RjrYyjaCvNyXPwnWNg6ofYXMpzgXDAVAw7ghnktjduSLhqqw8V": """
        fee fee_base lamports: 36ka -5000, (validator_fee) +5000
        0 stake lamports: 5adk -22579717460, 2R9Y +22579717460
        --
        fee fee 36ka lamports 5000
        0 stake 5adk → 2R9Y lamports 22579717460
    """,
    # an associated account opened
    "4c5dH6XVzPUYtjE9RCQavfyuvPtsdf69N8YqbNSHBnBYze9itnyCKCbRg8jxReyATg2vc81SkMUuG4H5qJB5jHwz": """
        fee fee_base lamports: DAXn -5000, (validator_fee) +5000
        0.1 rent lamports: DAXn -2039280, 6X6V/Jp8x +2039280
        --
        fee fee DAXn lamports 5000
        0.1 account_open DAXn → 6X6V lamports 2039280
    """,
    # two accounts made with seeds, in a block, with tables
    "UQvwaQsGUuyqX6ArJxySgZ1862HNnWnuY7D81L9k3ctSDbaMfhwSHtWqoXi2FF2CypVEjWjykKLULQxBYZDLUbB": """
        fee fee_base lamports: GM5V -5000, (validator_fee) +5000
        fee fee_priority lamports: GM5V -140236, (validator_fee) +140236
        2 rent lamports: GM5V -2039280, 2dmk/3pBy +2039280
        3 rent lamports: GM5V -2039280, AYAx/3pBy +2039280
        --
        fee fee GM5V lamports 145236
        2 account_open GM5V → 2dmk lamports 2039280
        3 account_open GM5V → AYAx lamports 2039280
    """,
    # tokens minted by a program for its user
    "5JNK7nUfSbpdAKB5wojvcsME3xLaZMyLCQYNFHc1ASPWgSxHnj2kXuDsgxuYKhNhtjsdpzBdxqnKhrtBZVB6wWXk": """
        fee fee_base lamports: 42vs -10000, (validator_fee) +10000
        0.1 mint Cmos: 7qht/42vs +2104227858796, (supply) -2104227858796
        --
        fee fee 42vs lamports 10000
        0.1 mint 42vs Cmos 2104227858796
    """,
    # tokens of one kind burned, of another handed out
    "4Tnpv3ZgMcUTcYdq6tPkR1y9kHqMtXtscR5S22A5hb7diKxUH81fit2FRQZ2iaYfocMj7PJP5XysnwXmTDSt84pG": """
        fee fee_base lamports: 5P8Q -5000, (validator_fee) +5000
        0.0 burn 9fvH: 9H9k/5P8Q -2166476510395, (supply) +2166476510395
        0.2 transfer 2u1t: E1pr/7s1d -2252307824539, AbDv/5P8Q +2252307824539
        --
        fee fee 5P8Q lamports 5000
        0.0 burn 5P8Q 9fvH 2166476510395
        0.2 transfer 7s1d → 5P8Q 2u1t 2252307824539
    """,
    # a pool's position: liquidity and fees taken out, its token burned, its accounts closed, the program's own among them
    "4BQLJva7QLyRq7ToDu2TXDrkFmdpzwQZ7WAhCVeheu6BgKfkGaVXbbxxPPB8RZZASPnYyek261dNFE77wGbBERur": """
        fee fee_base lamports: 52Ei -5000, (validator_fee) +5000
        fee fee_priority lamports: 52Ei -8286, (validator_fee) +8286
        2.0 transfer EPjF: H66h/GjLu -6354811, 5KUA/52Ei +6354811
        3.0 burn HAH8: YWdi/52Ei -1, (supply) +1
        3.1 rent lamports: YWdi/52Ei -2074080, 52Ei +2074080
        3.2 rent lamports: HAH8 -4092480, 52Ei +4092480
        3 rent lamports: BujC -2846640, 52Ei +2846640
        --
        fee fee 52Ei lamports 13286
        2.0 transfer GjLu → 52Ei EPjF 6354811
        3.0 burn 52Ei HAH8 1
        3.1 account_close 52Ei → 52Ei lamports 2074080
        3.2 account_close HAH8 → 52Ei lamports 4092480
        3 account_close BujC → 52Ei lamports 2846640
        2 liquidity_remove 52Ei EPjF 6353261
        2 lp_fee_claim 52Ei EPjF 1550
    """,
}


@pytest.mark.parametrize("signature", GOLDEN)
def test_golden(signature: str, by_signature: dict[str, Recorded]) -> None:
    decoded = decode_transaction(parse_transaction(by_signature[signature].body))
    assert render(decoded).splitlines() == [line.strip() for line in GOLDEN[signature].strip().splitlines()]
