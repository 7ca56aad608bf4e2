"""Heaven after its published layout, a buy with the amounts and the event of a recorded one."""

from crafted_bodies import TOKEN, address
from crafted_calls import CraftedCall, record, texts, u64

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import INSIDE, Claim, Fact, FeePart, Leg, Reserve, TokenEvent
from oof_pipelines.decode.venues.heaven import PROGRAM

PROGRAM_ID = "HEAVENoP2qxoeuF8Dj2oT1GHEnu49U5mJYkdeC8BAX2o"
POOL, TRADER, COIN, CONFIG = (address(name) for name in ("pool", "trader", "coin", "config"))
NAMES = ("user_token_a_vault", "user_token_b_vault", "token_a_vault", "token_b_vault")
COIN_ACCOUNT, SOL_ACCOUNT, COIN_VAULT, SOL_VAULT = (address(name) for name in NAMES)
TOKENS = {
    COIN_ACCOUNT: (COIN, TRADER, 900),
    SOL_ACCOUNT: (NATIVE_MINT, TRADER, 1044808740972),
    COIN_VAULT: (COIN, CONFIG, 85653598890010719),
    SOL_VAULT: (NATIVE_MINT, CONFIG, 3580168945693),
}
ACCOUNTS = {"liquidity_pool_state": POOL, "user": TRADER, "token_a_mint": COIN, "token_b_mint": NATIVE_MINT}
ACCOUNTS |= {name: address(name) for name in NAMES}
# Fields that a later version appended stand behind the four that are known.
TRADED = record("TradeEvent", 85653015592490641, 1891351986482, 474111424653, 196141, bytes(40))


def call(name: str, *moves: tuple[str, str, int], logged: tuple[bytes, ...] = (), arguments: bytes = b"") -> list[Fact]:
    return CraftedCall(PROGRAM, name, ACCOUNTS, TOKENS, moves, logged=logged, arguments=arguments).read().facts


def leg(sold: tuple[str, int], bought: tuple[str, int], reserves: tuple[Reserve, ...], *fees: FeePart) -> Leg:
    return Leg("0", PROGRAM_ID, "heaven", POOL, TRADER, *sold, *bought, reserves, fees)


def test_a_buy_has_the_fee_and_the_curve_that_the_event_tells() -> None:
    moves = [(COIN_VAULT, COIN_ACCOUNT, 583297520078), (SOL_ACCOUNT, SOL_VAULT, 13076171)]
    curve = (Reserve(COIN, None, 85653015592490641, "virtual"), Reserve(NATIVE_MINT, None, 1891351986482, "virtual"))
    fee = FeePart("protocol", NATIVE_MINT, 196141, INSIDE)
    assert 196141 == 13076171 // 100 + 13076171 // 200, "1 % and 0.5 % of what was paid"
    assert call("buy", *moves, logged=(TRADED,), arguments=u64(13076171, 0) + texts("")) == [
        leg((NATIVE_MINT, 13076171), (COIN, 583297520078), curve, fee)
    ]


def test_without_a_log_the_vaults_tell_the_reserves() -> None:
    moves = [(COIN_VAULT, COIN_ACCOUNT, 583297520078), (SOL_ACCOUNT, SOL_VAULT, 13076171)]
    vaults = (
        Reserve(COIN, 85653598890010719, 85653015592490641),
        Reserve(NATIVE_MINT, 3580168945693, 3580182021864),
    )
    assert call("buy", *moves) == [leg((NATIVE_MINT, 13076171), (COIN, 583297520078), vaults)]


def test_a_sell_has_no_fee_told() -> None:
    moves = [(COIN_ACCOUNT, COIN_VAULT, 900), (SOL_VAULT, SOL_ACCOUNT, 70)]
    curve = (Reserve(COIN, None, 85653015592490641, "virtual"), Reserve(NATIVE_MINT, None, 1891351986482, "virtual"))
    assert call("sell", *moves, logged=(TRADED,)) == [leg((COIN, 900), (NATIVE_MINT, 70), curve)]


def test_a_creator_claims_what_his_pool_kept() -> None:
    assert call("claim_standard_creator_trading_fees", (SOL_VAULT, SOL_ACCOUNT, 5), arguments=u64(5)) == [
        Claim("0", PROGRAM_ID, "heaven", "creator_fee_claim", TRADER, NATIVE_MINT, 5, POOL)
    ]


def test_a_token_is_made_with_its_pool() -> None:
    accounts = ACCOUNTS | {"payer": address("sponsor"), "token_a_program": TOKEN}
    del accounts["user_token_b_vault"]
    event = record(
        "CreateStandardLiquidityPoolEvent", POOL, address("sponsor"), TRADER, COIN, bytes(2), 10**18, 1891 * 10**9
    )
    arguments = bytes(2) + texts("") + u64(0, 0)
    made = CraftedCall(PROGRAM, "create_standard_liquidity_pool", accounts, TOKENS, logged=[event], arguments=arguments)
    assert made.read().facts == [
        TokenEvent(
            "0",
            PROGRAM_ID,
            "heaven",
            "launch",
            COIN,
            TRADER,
            pool=POOL,
            quote_mint=NATIVE_MINT,
            creator=TRADER,
            token_program_id=TOKEN,
        )
    ]
