"""SPL token-swap and its copies: recorded swaps of two, and the rest after the published layout."""

import pytest
from crafted_bodies import address
from crafted_calls import Made, u64
from recorded_bodies import Recorded
from venue_calls import OWNER, burned, crafted_reading, minted, moved
from venue_facts import facts_of

from oof_pipelines.decode.facts import FeePart, Leg, Liquidity, Reserve, TokenEvent
from oof_pipelines.decode.money import USDC_MINT

RECORDED = {
    "4ijsPheC5WXMhXNHDg2NWGqZXSx3QVLQoPFNyUFqE5wnh1TcyEUgmVATGq3GsXgEAJLbBBwKb7rBCwTJvzbuE6TZ": [
        Leg(
            path="2.4",
            program_id="SSwapUtytfBdBn1b9NUGG6foMVPtcWgpRU32HToDUZr",
            venue="saros",
            pool="APLx2v5Kg19U48ofcoNBDhyFxc9dGicVko2BLktuquxs",
            trader="5y5jCvdD6uTPjWbQtLj8ABQ56jCor2SxURidAqGSyviw",
            sold_mint="JUPyiwrYJFskUPiHa7hkeR8VUtAeFoSYbKedZNsDvCN",
            sold_raw=3322512,
            bought_mint="SarosY6Vscao718M4A778z4CGtvcwcGef5M9MEH1LGL",
            bought_raw=303410444,
            reserves=(
                Reserve(
                    mint="JUPyiwrYJFskUPiHa7hkeR8VUtAeFoSYbKedZNsDvCN", before_raw=2910921654, after_raw=2914244166
                ),
                Reserve(
                    mint="SarosY6Vscao718M4A778z4CGtvcwcGef5M9MEH1LGL", before_raw=266927420585, after_raw=266624010141
                ),
            ),
        ),
        Leg(
            path="2.9",
            program_id="SSwapUtytfBdBn1b9NUGG6foMVPtcWgpRU32HToDUZr",
            venue="saros",
            pool="G1qZGsghifyMtKzPm8kmJd26p7y4zyxp5ozQGg9m5vYc",
            trader="5y5jCvdD6uTPjWbQtLj8ABQ56jCor2SxURidAqGSyviw",
            sold_mint="SarosY6Vscao718M4A778z4CGtvcwcGef5M9MEH1LGL",
            sold_raw=303410444,
            bought_mint="WENWENvqqNya429ubCdR81ZmD69brwQaaBYY6p3LCpk",
            bought_raw=955108507,
            reserves=(
                Reserve(
                    mint="SarosY6Vscao718M4A778z4CGtvcwcGef5M9MEH1LGL", before_raw=406146843626, after_raw=406450254070
                ),
                Reserve(
                    mint="WENWENvqqNya429ubCdR81ZmD69brwQaaBYY6p3LCpk",
                    before_raw=1283315546267,
                    after_raw=1282360437760,
                ),
            ),
        ),
    ],
    "GCeRpjvfNXZB6BJFQChjpKycdKpRwQGS1BSwUvLjVpJj6NgdzzQACAWt89ZEfEXjeRSqzhDX8CHtzpMUnfJ7VMJ": [
        Leg(
            path="4.20",
            program_id="FLUXubRmkEi2q6K3Y9kBPg9248ggaZVsoSFhtJHSrm1X",
            venue="fluxbeam",
            pool="8dVaAS1j1FZZMhsktGLx2JU4roU9mbZacBSTsqLxyDgR",
            trader="46ECY5pTrN9Fbu5HdobxWBKxeAQXMo6uXTDwozrKadWZ",
            sold_mint="J5tzd1ww1V1qrgDUQHVCGqpmpbnEnjzGs9LAqJxwkNde",
            sold_raw=6428459230,
            bought_mint=USDC_MINT,
            bought_raw=4453650,
            reserves=(
                Reserve(
                    mint="J5tzd1ww1V1qrgDUQHVCGqpmpbnEnjzGs9LAqJxwkNde",
                    before_raw=2404853903601,
                    after_raw=2411153793646,
                ),
                Reserve(mint=USDC_MINT, before_raw=1708804133, after_raw=1704350483),
            ),
            fees=(
                FeePart(
                    kind="transfer",
                    mint="J5tzd1ww1V1qrgDUQHVCGqpmpbnEnjzGs9LAqJxwkNde",
                    amount_raw=128569185,
                    side="inside",
                ),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "saros", "fluxbeam")
    assert facts == RECORDED[signature]


PROGRAM_ID = "SSwapUtytfBdBn1b9NUGG6foMVPtcWgpRU32HToDUZr"
USERS = {"user_a": "a", "user_b": "b", "user_share": "share"}
VAULTS = {"vault_a": "a", "vault_b": "b", "fee_account": "share"}
BOTH_IN = [moved("user_a", "vault_a", 10), moved("user_b", "vault_b", 20), minted("share", "user_share", 30)]
BOTH_OUT = [burned("share", "user_share", 30), moved("vault_a", "user_a", 10), moved("vault_b", "user_b", 20)]
ONE_IN = [moved("user_a", "vault_a", 10), minted("share", "user_share", 30)]
ONE_OUT = [burned("share", "user_share", 30), moved("vault_a", "user_a", 10)]


@pytest.mark.parametrize(
    ("tag", "accounts", "kind", "calls"),
    [
        (2, "user_a user_b vault_a vault_b share user_share", "liquidity_add", BOTH_IN),
        (3, "share user_share vault_a vault_b user_a user_b fee_account", "liquidity_remove", BOTH_OUT),
        (4, "user_a vault_a vault_b share user_share", "liquidity_add", ONE_IN),
        (5, "share user_share vault_a vault_b user_a fee_account", "liquidity_remove", ONE_OUT),
    ],
)
def test_liquidity(tag: int, accounts: str, kind: str, calls: list[Made]) -> None:
    data = bytes([tag]) + u64(30, 10, 20)
    reading = crafted_reading(
        PROGRAM_ID, f"pool authority user {accounts} token_program", data, users=USERS, vaults=VAULTS, calls=calls
    )
    amounts = ((address("a"), 10), (address("b"), 20)) if len(calls) > 2 else ((address("a"), 10),)
    expected = Liquidity("0", PROGRAM_ID, "saros", kind, address("pool"), OWNER, amounts, address("share"), 30)
    assert reading.facts == [expected]


def test_a_new_pool_is_told_by_its_vaults() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        "pool authority vault_a vault_b share fee_account user_share token_program",
        b"\0\xff",
        users={"user_share": "share"},
        vaults=VAULTS,
        calls=[minted("share", "user_share", 30)],
    )
    expected = TokenEvent(
        "0", PROGRAM_ID, "saros", "pool_created", address("a"), OWNER, pool=address("pool"), quote_mint=address("b")
    )
    assert reading.facts == [expected]


def test_a_swap_at_the_address_of_the_program_itself() -> None:
    program_id = "SwaPpA9LAaLfeLi3a68M4DjnLqgtticKg6CnyNwgAC8"
    reading = crafted_reading(
        program_id,
        "pool authority user user_a vault_a vault_b user_b share fee_account token_program",
        b"\1" + u64(10, 19),
        users={"user_a": "a", "user_b": "b"},
        vaults=VAULTS,
        calls=[moved("user_a", "vault_a", 10), moved("vault_b", "user_b", 20)],
    )
    reserves = (Reserve(address("a"), 1_000_000, 1_000_010), Reserve(address("b"), 1_000_000, 999_980))
    sides = (address("a"), 10, address("b"), 20)
    expected = Leg("0", program_id, "spl_token_swap", address("pool"), OWNER, *sides, reserves)
    assert reading.facts == [expected]
    assert (reading.unread, reading.unknown) == ([], [])
