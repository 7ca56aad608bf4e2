"""What venues, routers and launchpads say happened: the words between a program's layout and the actions of a transaction.

Facts refer to paths and move nothing; moves are the book's. Amounts are base units, mints are addresses, and SOL is the
wrapped mint's address whether it moved wrapped or not.
"""

import msgspec

ON_TOP = "on_top"
INSIDE = "inside"


class FeePart(msgspec.Struct, frozen=True):
    """A part of a swap's fee.

    `kind`: lp, protocol, creator, platform, referral, bot, buyback, cashback (paid into the trader's own account with the
    program, from where he claims it), transfer (withheld by the token itself). `side`: `on_top` where the trade's amounts
    leave it out (a buyer pays it beside what he sold, a seller has it taken off what he bought), `inside` where they
    contain it.
    """

    kind: str
    mint: str
    amount_raw: int
    side: str
    recipient: str = ""


class Reserve(msgspec.Struct, frozen=True):
    """What a pool holds of a mint before and after; None where the program shows only one of them.

    `kind`: `vault` for what its token account holds, `virtual` for what a bonding curve computes its price with.
    """

    mint: str
    before_raw: int | None
    after_raw: int | None
    kind: str = "vault"


class Leg(msgspec.Struct, frozen=True):
    """One swap in one pool."""

    path: str
    program_id: str
    venue: str
    pool: str
    trader: str
    sold_mint: str
    sold_raw: int
    bought_mint: str
    bought_raw: int
    reserves: tuple[Reserve, ...] = ()
    fees: tuple[FeePart, ...] = ()


class Liquidity(msgspec.Struct, frozen=True):
    """A wallet put tokens into a pool (`liquidity_add`) or took them out (`liquidity_remove`).

    `amounts` are (mint, base units) of the wallet, both positive; `share_mint` is the pool's own token where it has one.
    """

    path: str
    program_id: str
    venue: str
    kind: str
    pool: str
    wallet: str
    amounts: tuple[tuple[str, int], ...]
    share_mint: str = ""
    share_raw: int = 0


class Claim(msgspec.Struct, frozen=True):
    """Somebody collected what a program kept for him.

    `kind`: creator_fee_claim, cashback_claim, lp_fee_claim, reward_claim, protocol_fee_claim, platform_fee_claim.
    """

    path: str
    program_id: str
    venue: str
    kind: str
    wallet: str
    mint: str
    amount_raw: int
    pool: str = ""


class TokenEvent(msgspec.Struct, frozen=True):
    """A step of a token's or a pool's life.

    `kind`: launch (a token is made on a launchpad), graduation (its curve is full), migration (its liquidity goes to
    `pool`), pool_created. `wallet` is who made it or did it; `creator` whom the program names as creator.
    """

    path: str
    program_id: str
    venue: str
    kind: str
    mint: str
    wallet: str
    pool: str = ""
    quote_mint: str = ""
    creator: str = ""
    name: str = ""
    symbol: str = ""
    uri: str = ""
    token_program_id: str = ""


class RouterHop(msgspec.Struct, frozen=True):
    """What a router says of one hop: the program it called and the amounts it saw."""

    path: str
    program_id: str
    sold_mint: str
    sold_raw: int
    bought_mint: str
    bought_raw: int


class RouterCall(msgspec.Struct, frozen=True):
    """A route instruction: whose accounts it takes from and gives to. '' where the layout does not say."""

    path: str
    program_id: str
    router: str
    trader: str
    source_account: str
    destination_account: str
    sold_mint: str = ""
    bought_mint: str = ""
    fees: tuple[FeePart, ...] = ()


class OrderFill(msgspec.Struct, frozen=True):
    """A maker's order was filled, wholly or in part, by whoever signed: what left and reached the maker."""

    path: str
    program_id: str
    venue: str
    order: str
    maker: str
    taker: str
    sold_mint: str
    sold_raw: int
    bought_mint: str
    bought_raw: int
    fees: tuple[FeePart, ...] = ()


class FeePaid(msgspec.Struct, frozen=True):
    """A program had a trader pay a fee in a call of its own, beside the trade: it is on top of it."""

    path: str
    payer: str
    part: FeePart


Fact = Leg | Liquidity | Claim | TokenEvent | RouterHop | RouterCall | OrderFill | FeePaid
