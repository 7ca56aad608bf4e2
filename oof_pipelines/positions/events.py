"""What happened to a wallet's holdings, one event at a time: the input of the position engine.

Quantities are integers in base units of their mint and never negative; the kind says which way they went. SOL and wrapped
SOL are one mint, `NATIVE_MINT`: it is money, pays and is paid, and has no events of its own but the costs.
"""

import msgspec

BUY = "buy"
SELL = "sell"
RECEIVE = "receive"
SEND = "send"
BURN = "burn"
LP_ADD = "lp_add"
LP_REMOVE = "lp_remove"
CLAIM = "claim"
COST = "cost"

KINDS = (BUY, SELL, RECEIVE, SEND, BURN, LP_ADD, LP_REMOVE, CLAIM, COST)
TRADES = frozenset({BUY, SELL})

SIGNS = {BUY: 1, RECEIVE: 1, LP_REMOVE: 1, CLAIM: 1, SELL: -1, SEND: -1, BURN: -1, LP_ADD: -1, COST: 0}
"""Kind → what an event does to the wallet's balance of its mint: +1 came in, -1 left, 0 neither."""


class PositionEvent(msgspec.Struct, frozen=True, gc=False):
    """One thing that happened to one wallet's holding of `mint` in one transaction.

    `kind`:

    - `buy`: `qty_raw` came in and `other_raw` of `other_mint` was paid for it, fees on top in that mint included.
    - `sell`: `qty_raw` left, fees on top in the mint included, for `other_raw` of `other_mint` after fees on top.
      A swap of a token for a token is a sell of one and a buy of the other; a route that ends in the mint it began with is a
      buy of what it gained, or a sell of what it lost, for 0 of the same mint.
    - `receive`, `send`: came from, or went to, `counterparty` beside the trades. `is_escrow` where that is an account which
      only a program signs for and which keeps it for the wallet: an order, a stake, a vault (positions/escrows.py).
    - `burn`: the wallet destroyed it.
    - `lp_add`, `lp_remove`: put into, or taken out of, the pool `counterparty`.
    - `claim`: a creator's fee, cashback, a reward or the fees of a liquidity position, collected.
    - `cost`: no holding (`mint` is SOL, `qty_raw` 0): the costs of a transaction in which the wallet made no trade.

    `counterparty` is the other wallet of send and receive, the pool of liquidity, of a claim, and of a trade in one pool; ''
    where it is unknown or not one. `other_mint` is '' and `other_raw` None where nothing was paid. `decimals` are None where
    the transaction does not show them.

    `network_fee_lamports`, `tip_lamports` and `rent_lamports` (the deposit paid less what came back, so it may be negative)
    are those of the wallet's whole transaction and stand on its first trade, else on its `cost`; elsewhere they are 0.

    `path` is where in the transaction it happened and `log_idx` its number (`chain.moves.log_idx`); `seq` counts the events
    of this wallet in this transaction from 0 in the order in which they apply.
    """

    signature: str
    slot: int
    tx_index: int | None
    block_time_s: int
    log_idx: int
    path: str
    seq: int
    wallet: str
    kind: str
    mint: str
    decimals: int | None
    qty_raw: int
    other_mint: str
    other_decimals: int | None
    other_raw: int | None
    counterparty: str
    venue: str
    network_fee_lamports: int
    tip_lamports: int
    rent_lamports: int
    is_escrow: bool = False

    @property
    def change_raw(self) -> int:
        """What it did to the wallet's balance of the mint, with its sign."""
        return SIGNS[self.kind] * self.qty_raw

    @property
    def order_key(self) -> tuple[int, bool, int, str, int]:
        """The order of a wallet's events: slot, position in the block (unknown ones behind the known), signature, seq."""
        return (self.slot, self.tx_index is None, self.tx_index or 0, self.signature, self.seq)
