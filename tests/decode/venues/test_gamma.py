"""GooseFX GAMMA after its published layout, a swap with the amounts and the event of a recorded one."""

from crafted_bodies import address
from crafted_calls import CraftedCall, event_data, u64

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import INSIDE, Claim, Fact, FeePart, Leg, Liquidity, Reserve, TokenEvent
from oof_pipelines.decode.venues.gamma import PROGRAM

PROGRAM_ID = "GAMMA7meSFWaBXF25oSUgmGRwaW6sCMFLmBNiMSdbHVT"
POOL, TRADER, REFERRER, AUTHORITY, COIN = (
    address(name) for name in ("pool", "trader", "referrer", "authority", "coin")
)
SOL_ACCOUNT, COIN_ACCOUNT, SOL_VAULT, COIN_VAULT, REFERRAL = (
    address(name) for name in ("sol account", "coin account", "sol vault", "coin vault", "referral account")
)
TOKENS = {
    SOL_ACCOUNT: (NATIVE_MINT, TRADER, 195483),
    COIN_ACCOUNT: (COIN, TRADER, 1000),
    SOL_VAULT: (NATIVE_MINT, AUTHORITY, 531650547),
    COIN_VAULT: (COIN, AUTHORITY, 223212719),
    REFERRAL: (NATIVE_MINT, REFERRER, 0),
}
SWAP = {
    "pool_state": POOL,
    "input_token_account": SOL_ACCOUNT,
    "output_token_account": COIN_ACCOUNT,
    "input_vault": SOL_VAULT,
    "output_vault": COIN_VAULT,
    "input_token_mint": NATIVE_MINT,
    "output_token_mint": COIN,
}
SWAPPED = event_data(
    "SwapEvent",
    "32s4Q32s32s2Q?16s",
    *(POOL, 521291817, 219060023, 195483, 82249, NATIVE_MINT, COIN, 0, 0, 1),
    (33).to_bytes(16, "little"),
)


def call(
    name: str,
    accounts: dict[str, str],
    *moves: tuple[str, str, int],
    logged: tuple[bytes, ...] = (),
    arguments: bytes = b"",
) -> list[Fact]:
    return CraftedCall(PROGRAM, name, accounts, TOKENS, moves, logged=logged, arguments=arguments).read().facts


def swap_leg(sol_after_raw: int, *fees: FeePart) -> Leg:
    reserves = (Reserve(NATIVE_MINT, 531650547, sol_after_raw), Reserve(COIN, 223212719, 223130470))
    return Leg("0", PROGRAM_ID, "gamma", POOL, TRADER, NATIVE_MINT, 195483, COIN, 82249, reserves, fees)


def test_a_swap_has_the_fee_that_the_event_tells() -> None:
    """No referrer: the program's own address stands at his seat."""
    accounts = SWAP | {"referral_token_account": PROGRAM_ID}
    moves = [(SOL_ACCOUNT, SOL_VAULT, 195483), (COIN_VAULT, COIN_ACCOUNT, 82249)]
    fee = FeePart("lp", NATIVE_MINT, 33, INSIDE)
    for name in ("oracle_based_swap_base_input", "swap_base_input", "swap_base_output"):
        assert call(name, accounts, *moves, logged=(SWAPPED,), arguments=u64(195483, 0)) == [swap_leg(531846030, fee)]
        assert call(name, accounts, *moves) == [swap_leg(531846030)], "no log was kept"


def test_a_referrers_part_is_paid_by_the_trader_and_taken_off_the_fee() -> None:
    accounts = SWAP | {"referral_token_account": REFERRAL}
    moves = [(SOL_ACCOUNT, SOL_VAULT, 195480), (COIN_VAULT, COIN_ACCOUNT, 82249), (SOL_ACCOUNT, REFERRAL, 3)]
    referral = FeePart("referral", NATIVE_MINT, 3, INSIDE, REFERRER)
    assert call("oracle_based_swap_base_input", accounts, *moves, logged=(SWAPPED,)) == [
        swap_leg(531846027, FeePart("lp", NATIVE_MINT, 30, INSIDE), referral)
    ]
    assert call("oracle_based_swap_base_input", accounts, *moves) == [swap_leg(531846027, referral)]


def test_liquidity_goes_in_and_out() -> None:
    accounts = {"pool_state": POOL, "owner": TRADER, "token_0_account": SOL_ACCOUNT, "token_1_account": COIN_ACCOUNT}
    into = [(SOL_ACCOUNT, SOL_VAULT, 7), (COIN_ACCOUNT, COIN_VAULT, 9)]
    amounts = ((NATIVE_MINT, 7), (COIN, 9))
    assert call("deposit", accounts, *into) == [
        Liquidity("0", PROGRAM_ID, "gamma", "liquidity_add", POOL, TRADER, amounts)
    ]
    out = [(SOL_VAULT, SOL_ACCOUNT, 7), (COIN_VAULT, COIN_ACCOUNT, 9)]
    assert call("withdraw", accounts, *out) == [
        Liquidity("0", PROGRAM_ID, "gamma", "liquidity_remove", POOL, TRADER, amounts)
    ]


def test_a_new_pool_is_filled_by_its_creator() -> None:
    accounts = {"pool_state": POOL, "creator": TRADER, "token_0_mint": NATIVE_MINT, "token_1_mint": COIN}
    accounts |= {"creator_token_0": SOL_ACCOUNT, "creator_token_1": COIN_ACCOUNT}
    into = [(SOL_ACCOUNT, SOL_VAULT, 7), (COIN_ACCOUNT, COIN_VAULT, 9)]
    assert call("initialize", accounts, *into) == [
        TokenEvent("0", PROGRAM_ID, "gamma", "pool_created", COIN, TRADER, pool=POOL, quote_mint=NATIVE_MINT),
        Liquidity("0", PROGRAM_ID, "gamma", "liquidity_add", POOL, TRADER, ((NATIVE_MINT, 7), (COIN, 9))),
    ]


def test_what_is_collected_goes_to_whose_account_it_reached() -> None:
    def claim(kind: str, wallet: str, amount_raw: int) -> Claim:
        return Claim("0", PROGRAM_ID, "gamma", kind, wallet, NATIVE_MINT, amount_raw, POOL)

    pair = {"recipient_token_0_account": REFERRAL, "recipient_token_1_account": COIN_ACCOUNT}
    for name in ("collect_protocol_fee", "collect_fund_fee"):
        accounts = {"pool_state": POOL, "owner": TRADER} | pair
        assert call(name, accounts, (SOL_VAULT, REFERRAL, 4)) == [claim("protocol_fee_claim", REFERRER, 4)]
    accounts = {"pool_state": POOL, "partner": address("partner"), "token_0_token_account": REFERRAL}
    accounts["token_1_token_account"] = COIN_ACCOUNT
    assert call("claim_partner_fees", accounts, (SOL_VAULT, REFERRAL, 5)) == [claim("platform_fee_claim", REFERRER, 5)]
    accounts = {"pool_state": POOL, "user": TRADER, "user_token_account": SOL_ACCOUNT}
    assert call("claim_rewards", accounts, (SOL_VAULT, SOL_ACCOUNT, 6)) == [claim("reward_claim", TRADER, 6)]


def test_discriminators_that_are_not_of_their_names() -> None:
    """The three that set the oracle's price, as the IDL numbers them."""
    numbers = {
        "pool_config_update": [196, 212, 99, 63, 59, 117, 248, 223],
        "pool_config_update_v2": [228, 161, 199, 222, 53, 172, 121, 238],
        "pool_config_update_v3": [123, 135, 23, 15, 174, 100, 120, 152],
        "oracle_based_swap_base_input": [239, 82, 192, 187, 160, 26, 223, 223],
    }
    for name, number in numbers.items():
        found = PROGRAM.layout_of(bytes(number), None)
        assert found is not None
        assert found.name == name
