"""Who and what is in the golden story: the owner's two wallets, a crowd, whales, an exchange, coins and their pools."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from random import Random

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from oof_pipelines.testing.golden_market import sol_usd_e18
from oof_pipelines.testing.synthetic_instructions import TOKEN_PROGRAM
from oof_pipelines.testing.synthetic_pools import Pool
from oof_pipelines.testing.synthetic_pumpfun import PumpCurve
from oof_pipelines.testing.synthetic_pumpswap import PumpSwapPool
from oof_pipelines.testing.synthetic_raydium_cpmm import CpmmPool
from oof_pipelines.testing.synthetic_raydium_v4 import RaydiumV4Pool
from oof_pipelines.testing.synthetic_world import JITO_TIP_ACCOUNTS, LAMPORTS_A_SOL, Actor, Mint
from oof_pipelines.testing.synthetic_written_ledger import WRAPPED_SOL, WrittenLedger

USDC = Mint(Pubkey.from_string("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"), None, 6, TOKEN_PROGRAM)
SOL = WRAPPED_SOL
EXCHANGE = Pubkey.from_string("9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM")
"""A wallet of Binance's, as the public lists and config/exchanges.yaml have it. Nobody here has its key: what it sends, a
delegate of its token account sends."""

RAYDIUM_V4 = "raydium_amm_v4"
RAYDIUM_CPMM = "raydium_cpmm"
PUMPSWAP = "pumpswap"
_MAKERS: dict[str, Callable[..., Pool]] = {
    RAYDIUM_V4: RaydiumV4Pool.made,
    RAYDIUM_CPMM: CpmmPool.made,
    PUMPSWAP: PumpSwapPool.made,
}
_CROWD, _WHALES = 9, 5
_CROWD_SHARES = 30
_RICH_USD = 400_000_000
_ONE_USD_RAW = 10**USDC.decimals


@dataclass(frozen=True, slots=True)
class Coin:
    """A coin of the story."""

    name: str
    mint: Mint

    @property
    def address(self) -> str:
        return str(self.mint.address)


class Cast:
    """Everybody, derived from the seed, with what they have before the chain begins."""

    def __init__(self, seed: int, ledger: WrittenLedger) -> None:
        self._seed = seed
        self.ledger = ledger
        self.owner = self.actor("owner")
        self.second = self.actor("second wallet")
        self.crowd = [self.actor(f"crowd {number}") for number in range(_CROWD)]
        self.whales = [self.actor(f"whale {number}") for number in range(_WHALES)]
        self.airdropper = self.actor("airdropper")
        self.employer = self.actor("employer")
        self.exchange_delegate = self.actor("exchange delegate")
        self.oof = self.actor("oof mint").address
        self.staking_program = self.actor("staking program").address
        self.staking_vault_owner = Pubkey.find_program_address([b"vault"], self.staking_program)[0]
        rich = [*self.crowd, *self.whales, self.airdropper, self.employer, self.exchange_delegate]
        for actor in rich:
            ledger.fund(actor.address, 10_000_000 * LAMPORTS_A_SOL)
            ledger.endow(actor.address, USDC, _RICH_USD * _ONE_USD_RAW)
        ledger.fund(EXCHANGE, 2_000_000 * LAMPORTS_A_SOL)
        ledger.endow(EXCHANGE, USDC, _RICH_USD * _ONE_USD_RAW)
        for account in JITO_TIP_ACCOUNTS:
            ledger.fund(account, 3 * LAMPORTS_A_SOL)

    def actor(self, role: str) -> Actor:
        """Somebody who signs: the secret is the SHA-256 of seed and role, worthless outside this chain."""
        keypair = Keypair.from_seed(sha256(f"oof golden wallet/{self._seed}/{role}".encode()).digest())
        return Actor(keypair.pubkey(), keypair)

    def coin(self, name: str, decimals: int = 6) -> Coin:
        """A new coin."""
        address = self.actor(f"mint {name}").address
        self.ledger.decimals[address] = decimals
        return Coin(name, Mint(address, None, decimals, TOKEN_PROGRAM))

    def oof_coin(self) -> Coin:
        """The platform's own token."""
        self.ledger.decimals[self.oof] = 6
        return Coin("OOF", Mint(self.oof, None, 6, TOKEN_PROGRAM))

    def pool(self, coin: Coin, venue: str, quote: Mint, price: Fraction, depth_usd: int, quote_usd: Fraction) -> Pool:
        """A pool of a coin with `depth_usd` on either side, at `price` dollars a whole coin; the crowd holds some as well.

        `quote_usd` is what a whole unit of the quote is worth.
        """
        base_raw = int(depth_usd / price * 10**coin.mint.decimals)
        quote_raw = int(depth_usd / quote_usd * 10**quote.decimals)
        name = f"{self._seed}/{coin.name}/{venue}/{quote.address}"
        pool = _MAKERS[venue](self.ledger, name, coin.mint, quote, base_raw, quote_raw)
        self._share_out(coin, base_raw)
        return pool

    def curve(self, coin: Coin, sold_lamports: int) -> PumpCurve:
        """A bonding curve into which that much was paid already; its coins are in the crowd's hands."""
        curve = PumpCurve.made(self.ledger, f"{self._seed}/{coin.name}", coin.mint, sold_lamports)
        self._share_out(coin, 4_000_000_000_000)
        return curve

    def _share_out(self, coin: Coin, base_raw: int) -> None:
        for actor in (*self.crowd, *self.whales):
            if not self.ledger.tokens_raw(self.ledger.associated(actor.address, coin.mint)):
                self.ledger.endow(actor.address, coin.mint, base_raw * _CROWD_SHARES)

    def give(self, actor: Actor, coin: Coin, amount_raw: int) -> None:
        """Somebody holds a coin before the chain begins."""
        self.ledger.endow(actor.address, coin.mint, amount_raw)


def quote_usd_e18(quote: Mint, at_s: int) -> int:
    """Dollars a whole unit of USDC or SOL, in 10^-18."""
    return 10**18 if quote.address == USDC.address else sol_usd_e18(at_s)


def varied(dice: Random, number: int, percent: int = 8) -> int:
    """A whole number near to another: the seed's amounts are not the plot."""
    return number * (1_000 + dice.randrange(-10 * percent, 10 * percent + 1)) // 1_000
