"""Meteora DAMM v1 and the vaults it keeps its tokens in."""

from pathlib import Path

from crafted_bodies import address
from crafted_calls import CraftedCall, event_data
from layout_checks import check_against_idl
from recorded_bodies import Recorded
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import INSIDE, Claim, FeePart, Leg, Liquidity, TokenEvent
from oof_pipelines.decode.venues import meteora_vault
from oof_pipelines.decode.venues.meteora_damm_v1 import PROGRAM

DAMM = "Eo7WjKq67rjJQSZxS6z3YkapzY3eMj6Xy8X5EQVn5UaB"
TOLD_BY = (DAMM, "meteora_damm_v1")
ALIASES = {
    "user": {"owner", "payer", "admin"},
    "user_a_token": {"payer_token_a", "admin_token_a"},
    "user_b_token": {"payer_token_b", "admin_token_b"},
    "user_pool_lp": {"payer_pool_lp", "admin_pool_lp"},
    "protocol_token_fee": {"admin_token_fee"},
}


def test_layouts_are_the_idls(fixtures_dir: Path) -> None:
    check_against_idl(PROGRAM, fixtures_dir / "idl" / "meteora_amm.json", ALIASES)


def test_swap_of_a_wallet(by_signature: dict[str, Recorded]) -> None:
    """The event states an input and an output a few units off: the vault's shares round. What moved is what counts."""
    signature = "5haKE9YZBA2mjj265eTi4R1Ae3Vg4eRM4nnqSWBn88pLrSSpXWhhrDJfExhXbTVPGDkCHCgBq3R79zNuULbt8bik"
    coin = "STrikemJEk2tFVYpg7SMo9nGPrnJ56fHnS1K7PV2fPw"
    assert facts_of(by_signature[signature], PROGRAM.name) == [
        Leg(
            "2",
            *TOLD_BY,
            "BCXjm4FfSoquZQJV5Wcje1g1pSHW2hFMU9wDE98Nyatb",
            "HUamh5mjKXVTfJ2HQazdJxAzJdsSBdQaesFSZhWtQc3H",
            coin,
            35_043_070_494,
            NATIVE_MINT,
            13_746_915,
            (),
            (
                FeePart("lp", coin, 70_086_141, INSIDE),
                FeePart("protocol", coin, 17_521_535, INSIDE, "3LY5mYcgcTXBr3dxyaNuYcmsckSBb5rXsxkcaNwK3XDo"),
            ),
        )
    ]
    # The vaults' deposit and withdrawal within it are the pool's.
    assert facts_of(by_signature[signature], meteora_vault.PROGRAM.name) == []


def test_swap_within_a_route_recorded_in_words(by_signature: dict[str, Recorded]) -> None:
    signature = "2m6e4MBQ2wKiFhtc8d479C6SUKkqEiBzemwxSQVaSdr4zGHdoefxWz28u2rnCtUu7SfcgwWpEBDr3L5NZnEqffnv"
    (leg,) = facts_of(by_signature[signature], PROGRAM.name)
    assert isinstance(leg, Leg)
    assert leg.trader == "GGztQqQ6pCPaJQnNpXBgELr5cs3WwDakRbh1iEMzjgSJ"
    assert (leg.sold_raw, leg.bought_raw) == (5_878_070_878, 398_451_555)
    assert [(part.kind, part.amount_raw) for part in leg.fees] == [("lp", 58_780_708)]


# --- what is not recorded ---

USER, POOL, COIN, LP_MINT = (address(word) for word in ("user", "pool", "coin", "lp mint"))
USER_A, USER_B, VAULT_A, VAULT_B = (address(word) for word in ("ua", "ub", "va", "vb"))
USER_LP, POOL_LP, PROTOCOL, HOST = (address(word) for word in ("user lp", "pool lp", "protocol", "host"))
TOKENS = {
    USER_A: (COIN, USER, 10_000),
    USER_B: (NATIVE_MINT, USER, 10_000),
    VAULT_A: (COIN, address("vault a"), 50_000),
    VAULT_B: (NATIVE_MINT, address("vault b"), 60_000),
    PROTOCOL: (COIN, address("meteora"), 0),
    HOST: (COIN, address("partner"), 0),
    USER_LP: (LP_MINT, USER, 100),
    POOL_LP: (LP_MINT, POOL, 100),
}


def test_a_hosts_part_is_what_reached_his_account() -> None:
    call = CraftedCall(
        PROGRAM,
        "swap",
        {
            "pool": POOL,
            "user_source_token": USER_A,
            "user_destination_token": USER_B,
            "protocol_token_fee": PROTOCOL,
            "host_token_fee": HOST,
        },
        TOKENS,
        moves=[(USER_A, PROTOCOL, 4), (USER_A, HOST, 1), (USER_A, VAULT_A, 995), (VAULT_B, USER_B, 480)],
        logged=[event_data("Swap", "QQQQQ", 1_000, 480, 20, 4, 1)],
    )
    (leg,) = call.read().facts
    assert isinstance(leg, Leg)
    assert (leg.sold_raw, leg.bought_raw) == (1_000, 480)
    assert leg.fees == (
        FeePart("lp", COIN, 20, INSIDE),
        FeePart("protocol", COIN, 4, INSIDE, PROTOCOL),
        FeePart("referral", COIN, 1, INSIDE, HOST),
    )


def liquidity(name: str, moves: list[tuple[str, str, int]]) -> CraftedCall:
    accounts = {
        "pool": POOL,
        "lp_mint": LP_MINT,
        "user_pool_lp": USER_LP,
        "user_a_token": USER_A,
        "user_b_token": USER_B,
        "user_destination_token": USER_B,
        "token_a_mint": COIN,
        "token_b_mint": NATIVE_MINT,
        "user": USER,
    }
    return CraftedCall(PROGRAM, name, accounts, TOKENS, moves=moves)


def test_liquidity_in_and_out() -> None:
    into = [(USER_A, VAULT_A, 70), (USER_B, VAULT_B, 90), (POOL_LP, USER_LP, 12)]
    both = ((COIN, 70), (NATIVE_MINT, 90))
    added = Liquidity("0", *TOLD_BY, "liquidity_add", POOL, USER, both, LP_MINT, 12)
    for name in ("add_balance_liquidity", "add_imbalance_liquidity", "bootstrap_liquidity"):
        assert liquidity(name, into).read().facts == [added]
    out = [(VAULT_A, USER_A, 70), (VAULT_B, USER_B, 90), (USER_LP, POOL_LP, 12)]
    assert liquidity("remove_balance_liquidity", out).read().facts == [
        Liquidity("0", *TOLD_BY, "liquidity_remove", POOL, USER, both, LP_MINT, 12)
    ]
    assert liquidity("remove_liquidity_single_side", out[1:]).read().facts == [
        Liquidity("0", *TOLD_BY, "liquidity_remove", POOL, USER, ((NATIVE_MINT, 90),), LP_MINT, 12)
    ]


def test_a_created_pool_with_its_first_liquidity() -> None:
    into = [(USER_A, VAULT_A, 70), (USER_B, VAULT_B, 90), (POOL_LP, USER_LP, 12)]
    for name in (
        "initialize_permissionless_pool_with_fee_tier",
        "initialize_permissionless_constant_product_pool_with_config2",
        "initialize_customizable_permissionless_constant_product_pool",
    ):
        created, added = liquidity(name, into).read().facts
        assert created == TokenEvent("0", *TOLD_BY, "pool_created", COIN, USER, pool=POOL, quote_mint=NATIVE_MINT)
        assert isinstance(added, Liquidity)
        assert (added.amounts, added.share_raw) == (((COIN, 70), (NATIVE_MINT, 90)), 12)


def test_claims() -> None:
    out = [(VAULT_A, USER_A, 3)]
    kinds = {
        "claim_fee": "lp_fee_claim",
        "partner_claim_fee": "platform_fee_claim",
        "withdraw_protocol_fees": "protocol_fee_claim",
    }
    for name, kind in kinds.items():
        assert liquidity(name, out).read().facts == [Claim("0", *TOLD_BY, kind, USER, COIN, 3, POOL)]
