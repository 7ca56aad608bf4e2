"""Accounts by their layouts: real ones by the values their bytes held on mainnet, and what is none of a program's accounts.

The values and the offsets stand here; the layouts read names. Every account was read from its real bytes as well.
"""

from typing import Any

import pytest
from accounts_told import (
    DLMM,
    PUMP,
    PUMPSWAP,
    RAYDIUM_CPMM,
    RAYDIUM_V4,
    SYSTEM,
    USDC,
    WHIRLPOOL,
    WSOL,
    account_data,
    cpmm_pool,
    pump_curve,
)
from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.decode.accounts import (
    facts,
    meteora_dlmm,
    orca_whirlpool,
    raydium_amm_v4,
    raydium_cpmm,
)
from oof_pipelines.decode.accounts import (
    pump_curve as curve_layout,
)
from oof_pipelines.decode.accounts.facts import (
    AccountFacts,
    ClosedAccount,
    PoolInfo,
    WalletInfo,
)
from oof_pipelines.decode.accounts.layout import UnknownAccountError
from oof_pipelines.decode.accounts.registry import READERS, owns_accounts_of, read_account

COIN = "CLnsvL118rFABjjpGkR5jY8JeUib3SjEf4Eyu7ZVhbKu"
WALLET = "7n9jvPADeWJrqPeZXgUXQ1uauQoCNiP4fHsAxw5nfKwR"
WHIRLPOOL_TAG = bytes([63, 149, 209, 12, 225, 128, 99, 9])
LB_PAIR_TAG = bytes([33, 11, 49, 98, 181, 101, 177, 13])
POOL_TAG = bytes([241, 154, 109, 4, 17, 177, 109, 188])


def read(account: str, owner: str, data: bytes) -> AccountFacts | None:
    return read_account(account, owner, 1, data)


def test_raydium_v4() -> None:
    """58oQChx4…, the SOL/USDC pool, at slot 453,868,631."""
    pool = "58oQChx4yWmvKdwLLZzBi4ChoCc2fqCUWBkwMihLYQo2"
    data = account_data(
        752,
        b"",
        [
            (0, "Q", 6),
            (32, "Q", 9),
            (40, "Q", 6),
            (176, "Q", 25),
            (184, "Q", 10_000),
            (192, "Q", 183_502_858),
            (200, "Q", 21_928_100),
            (336, "key", "DQyrAcCrDXQ7NeoqGgDCZwBvWDcYmFCjSb9JtteuvPpz"),
            (368, "key", "HLmqeL62xR1QoZ1HKKbXRrdN1p3phKpxRMb2VVopvBBz"),
            (400, "key", WSOL),
            (432, "key", USDC),
            (464, "key", "8HoQnePLqPj4M7PUDzfw8e3Ymdwgc7NLGnaTUapubyvu"),
            (528, "key", "8BnEgHoWFysVcuFFX7QztDmzuH8r5ZFvyP3sYwn1XTh6"),
            (688, "key", "GThUX1Atko4tqhN2NaiTazWSeFWMuiUvfFnyJyUghFMJ"),
            (720, "Q", 102_528_382_854_742),
        ],
    )
    assert read(pool, RAYDIUM_V4, data) == PoolInfo(
        "raydium_amm_v4",
        RAYDIUM_V4,
        pool,
        WSOL,
        USDC,
        "DQyrAcCrDXQ7NeoqGgDCZwBvWDcYmFCjSb9JtteuvPpz",
        "HLmqeL62xR1QoZ1HKKbXRrdN1p3phKpxRMb2VVopvBBz",
        9,
        6,
        lp_mint="8HoQnePLqPj4M7PUDzfw8e3Ymdwgc7NLGnaTUapubyvu",
        creator="GThUX1Atko4tqhN2NaiTazWSeFWMuiUvfFnyJyUghFMJ",
        config="8BnEgHoWFysVcuFFX7QztDmzuH8r5ZFvyP3sYwn1XTh6",
        status=6,
        fee_ppm=2_500,
        owed_a_raw=183_502_858,
        owed_b_raw=21_928_100,
        supply_raw=102_528_382_854_742,
    )
    assert read(pool, RAYDIUM_V4, bytes(2_208)) is None, "its target orders"
    for status in (0, 8):
        with pytest.raises(UnknownAccountError, match=f"raydium_amm_v4: AmmInfo of status {status}"):
            read(pool, RAYDIUM_V4, status.to_bytes(8, "little") + data[8:])


def test_raydium_cpmm() -> None:
    pool, data = cpmm_pool()
    assert read(pool, RAYDIUM_CPMM, data) == PoolInfo(
        "raydium_cpmm",
        RAYDIUM_CPMM,
        pool,
        WSOL,
        COIN,
        "7kr6P33VCitwmwpShpUwXKpjnnXQkVyNZNqLktYKRKm9",
        "9rtx1zk5rSXFjg9oDKhzTnJWeVhuA8CJFvvgdKppsz8a",
        9,
        9,
        lp_mint="AXga7cEpYZZKsyV7FMMwfmb6y7Lxy9DGAwMbwf622mSp",
        creator="A7zcEKcRWZd4xAx44UB3fmSQzpfp8TExAD1dTyT8bjF2",
        config="2fGXL8uhqxJ4tpgtosHZXT4zcQap6j62z3bMDxdkMvy5",
        status=0,
        owed_a_raw=1_552_928,
        owed_b_raw=728_371_706_964_789,
        supply_raw=100,
    )
    assert read(pool, RAYDIUM_CPMM, bytes([218, 244, 33, 104, 203, 203, 43, 111]) + bytes(228)) is None, "its config"


def test_whirlpool() -> None:
    """Czfq3xZZ…, SOL/USDC with a spacing of 4, on 2026-06-23."""
    pool = "Czfq3xZZDmsdGdUyrNLtRhGc47cXcZtLG4crryfu44zE"
    data = account_data(
        653,
        WHIRLPOOL_TAG,
        [
            (8, "key", "2LecshUwdy9xi7meFgHtFJQNSKk4KdTrcpvaB56dP2NQ"),
            (41, "H", 4),
            (45, "H", 400),
            (47, "H", 1_300),
            (49, "u128", 689_480_494_328_519),
            (65, "u128", 4_991_046_536_690_114_137),
            (81, "i", -26_147),
            (85, "Q", 51_258_968),
            (93, "Q", 27_466_977),
            (101, "key", WSOL),
            (133, "key", "EUuUbDcafPrmVTD5M6qoJAoyyNbihBhugADAxRMn5he9"),
            (181, "key", USDC),
            (213, "key", "2WLWEuKDgkDUccTpbwYp1GToYktiSB1cXvreHUwiSUVP"),
        ],
    )
    assert read(pool, WHIRLPOOL, data) == PoolInfo(
        "orca_whirlpool",
        WHIRLPOOL,
        pool,
        WSOL,
        USDC,
        "EUuUbDcafPrmVTD5M6qoJAoyyNbihBhugADAxRMn5he9",
        "2WLWEuKDgkDUccTpbwYp1GToYktiSB1cXvreHUwiSUVP",
        config="2LecshUwdy9xi7meFgHtFJQNSKk4KdTrcpvaB56dP2NQ",
        fee_ppm=400,
        owed_a_raw=51_258_968,
        owed_b_raw=27_466_977,
        liquidity_raw=689_480_494_328_519,
        price_x64=4_991_046_536_690_114_137,
        tick=-26_147,
        step=4,
    )


def test_dlmm() -> None:
    """8ztFxjFP…, a bonk coin for SOL in bins of 20 basis points, on 2025-08-14."""
    pool = "8ztFxjFPfVUtEf4SLSapcFj8GW2dxyUA9no2bLPq7H7V"
    data = account_data(
        904,
        LB_PAIR_TAG,
        [
            (8, "H", 10_000),
            (76, "i", 200),
            (80, "H", 20),
            (82, "B", 0),
            (88, "key", "Dz9mQ9NzkBcCsuGPFJ3r1bS4wgqKMHBPiVuniW8Mbonk"),
            (120, "key", WSOL),
            (152, "key", "64GTWbkiCgZt62EMccjFHRoT1MQAQviDioa63NCj37w8"),
            (184, "key", "HJfR4mh9Yctrrh8pQQsrGsNdqV7KfpaaXGSdxGTwoeBK"),
            (216, "Q", 375_581_015_260),
            (224, "Q", 241_399_258_573),
            (848, "key", "BMpa9wWzZepEgp7qxps9G72AnAwfFEQCWxboaNhop1BA"),
        ],
    )
    assert read(pool, DLMM, data) == PoolInfo(
        "meteora_dlmm",
        DLMM,
        pool,
        "Dz9mQ9NzkBcCsuGPFJ3r1bS4wgqKMHBPiVuniW8Mbonk",
        WSOL,
        "64GTWbkiCgZt62EMccjFHRoT1MQAQviDioa63NCj37w8",
        "HJfR4mh9Yctrrh8pQQsrGsNdqV7KfpaaXGSdxGTwoeBK",
        creator="BMpa9wWzZepEgp7qxps9G72AnAwfFEQCWxboaNhop1BA",
        status=0,
        fee_ppm=2_000,
        owed_a_raw=375_581_015_260,
        owed_b_raw=241_399_258_573,
        tick=200,
        step=20,
    )


def test_pump_curves_of_every_age() -> None:
    pool, data = pump_curve()
    told: dict[str, Any] = {
        "is_complete": False,
        "virtual_a_raw": 1_045_225_794_522_273,
        "virtual_b_raw": 12_410_948_657,
        "real_a_raw": 765_325_794_522_273,
        "real_b_raw": 321_252_847,
        "supply_raw": 10**15,
    }
    newest = PoolInfo(
        "pumpfun", PUMP, pool, "", "METvsvVRapdj9cFLzq4Tr43xK4tAjQfwX76z3n6mWQL", "", "", creator=WALLET, **told
    )
    assert read(pool, PUMP, data) == newest
    assert read(pool, PUMP, data[:115]) == newest
    for size, creator in ((49, ""), (81, WALLET), (82, WALLET), (83, WALLET)):
        older = PoolInfo("pumpfun", PUMP, pool, "", WSOL, "", pool, creator=creator, **told)
        assert read(pool, PUMP, data[:size]) == older, "for SOL, which the curve holds itself"
    for_sol = read(pool, PUMP, pump_curve(SYSTEM)[1])
    assert isinstance(for_sol, PoolInfo)
    assert (for_sol.mint_b, for_sol.vault_b) == (WSOL, pool)
    for size in (0, 7, 8, 48, 50, 100, 152):
        with pytest.raises(UnknownAccountError, match="pumpfun: "):
            read(pool, PUMP, (data + bytes(9))[:size])


def test_pumpswap_of_every_age() -> None:
    """The pool of 6sjYXshP…, whose swaps on 2026-09-13 were priced with 17.58 SOL that it does not have."""
    pool, coin = "PooLLoFs1eVvLNa3gcBiQQ6T9uQzGmM8xyk9qJvYdRB", "6sjYXshPsoGNvxBHXvMBTga1McYJRptNCq6hGWB3pump"
    vaults = ("CcvGqbvtr6Vf3s3oPpmQ7rsEfKftLCwAnUvAVztFArgU", "Ca1hpehR3HBPzbQZYh2jk1qDzf6wdHPmGJDjHENnpwuW")
    creator = "5cFMq2ocmLTsWjfwSsyAY2xEyqVt8MukPPCDdoQFfjxW"
    data = account_data(
        301,
        POOL_TAG,
        [
            (8, "B", 255),
            (11, "key", WALLET),
            (43, "key", coin),
            (75, "key", WSOL),
            (107, "key", "6Qh2wHwiLhLVRc5FzEqUaUADD9GYWW6XEVWnBEP7Tdh"),
            (139, "key", vaults[0]),
            (171, "key", vaults[1]),
            (203, "Q", 4_193_388_282_703),
            (211, "key", creator),
            (245, "Q", 17_584_505_289),
        ],
    )

    def told(creator: str, virtual_raw: int | None) -> PoolInfo:
        return PoolInfo(
            "pumpswap",
            PUMPSWAP,
            pool,
            coin,
            WSOL,
            *vaults,
            lp_mint="6Qh2wHwiLhLVRc5FzEqUaUADD9GYWW6XEVWnBEP7Tdh",
            creator=creator,
            virtual_b_raw=virtual_raw,
            supply_raw=4_193_388_282_703,
        )

    assert read(pool, PUMPSWAP, data) == told(creator, 17_584_505_289)
    for size, its_creator in ((211, ""), (243, creator), (244, creator), (245, creator)):
        assert read(pool, PUMPSWAP, data[:size]) == told(its_creator, None)


def test_wallets_and_what_is_gone() -> None:
    assert read_account(WALLET, SYSTEM, 5, b"") == WalletInfo(WALLET, 5)
    assert read_account(WALLET, SYSTEM, 5, bytes(80)) is None, "a nonce"
    assert read_account(WALLET, SYSTEM, 0, b"") == ClosedAccount(WALLET)
    assert read_account(WALLET, COIN, 5, b"anything") is None
    assert not owns_accounts_of(COIN)
    assert all(owns_accounts_of(program_id) for reader in READERS for program_id in reader.program_ids)


@pytest.mark.parametrize("owner", [RAYDIUM_CPMM, WHIRLPOOL, DLMM, PUMP, PUMPSWAP])
def test_an_account_with_another_discriminator_is_named_and_not_guessed(owner: str) -> None:
    for data in (bytes(653), b"\xff" * 300, b""):
        with pytest.raises(UnknownAccountError, match=r": discriminator [0-9a-f]+ in|: discriminator none in 0 bytes"):
            read(WALLET, owner, data)


def test_layouts_fill_their_accounts() -> None:
    """A field left out or of another width would move all behind it."""
    for layout, size, start in (
        (raydium_amm_v4.AMM_INFO, 752, 0),
        (raydium_cpmm.POOL_STATE, 637, 8),
        (orca_whirlpool.WHIRLPOOL, 653, 8),
        (meteora_dlmm.LB_PAIR, 904, 8),
        (curve_layout.BONDING_CURVE, 115, 8),
    ):
        assert start + layout.unfixed_from[1] == size, layout.names


@given(st.sampled_from(READERS), st.binary(max_size=1_000), st.sampled_from([0, 1, 2, 8]))
def test_whatever_the_bytes_are_they_are_read_or_refused_in_one_line(reader: Any, data: bytes, flips: int) -> None:
    tags = {"orca_whirlpool": WHIRLPOOL_TAG, "meteora_dlmm": LB_PAIR_TAG, "pumpswap": POOL_TAG}
    for candidate in (data, tags.get(reader.name, b"") + data, (tags.get(reader.name, b"") + data * 9)[: 82 * flips]):
        refusal, found = "", None
        try:
            found = read_account(WALLET, reader.program_ids[0], 1, candidate)
        except UnknownAccountError as error:
            refusal = str(error)
        assert refusal == "" or (refusal.startswith(f"{reader.name}: ") and "\n" not in refusal)
        assert found is None or facts.from_json(facts.kind_of(found), facts.to_json(found)) == found


def test_facts_survive_json() -> None:
    pool, data = cpmm_pool()
    for found in (read(pool, RAYDIUM_CPMM, data), WalletInfo(WALLET, 2**64 - 1), ClosedAccount(WALLET)):
        assert found is not None
        told = facts.to_json(found)
        assert all(
            isinstance(told[name], str)
            for name in told
            if name.endswith(("_raw", "lamports")) and told[name] is not None
        )
        assert facts.from_json(facts.kind_of(found), told) == found
