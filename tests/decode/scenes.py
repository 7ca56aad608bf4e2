"""Scenes of a few lines: instructions by path and height, moves by account, balances and logs, all by names."""

from dataclasses import dataclass, field

from hand_ledger import address

from oof_pipelines.chain.moves import LAMPORTS_ASSET, Move, path_text
from oof_pipelines.chain.transaction import Instruction, ParsedTransaction, TokenBalance
from oof_pipelines.decode.call import Scene

SLOT = 1_000


@dataclass
class Stage:
    """What a scene is made of. `calls` are (path, height, program, accounts, data), in call order."""

    calls: list[tuple[str, int, str, str, bytes]]
    moves: list[Move] = field(default_factory=list)
    before: list[TokenBalance] = field(default_factory=list)
    after: list[TokenBalance] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    error: object = None
    slot: int | None = SLOT

    def transaction(self) -> ParsedTransaction:
        return ParsedTransaction(
            signature="s",
            slot=self.slot,
            block_time_s=1,
            tx_index=0,
            version="0",
            error=self.error,
            fee_lamports=5_000,
            signer_count=1,
            keys=[address(name) for name in self.names()],
            instructions=[
                Instruction(_path(path), height, address(program), [address(one) for one in accounts.split()], data)
                for path, height, program, accounts, data in self.calls
            ],
            pre_lamports=[0],
            post_lamports=[0],
            pre_tokens=self.before,
            post_tokens=self.after,
            log_messages=self.logs,
            compute_units_consumed=None,
        )

    def names(self) -> list[str]:
        """Whatever the calls name, the payer first."""
        named = [name for _, _, program, accounts, _ in self.calls for name in (*accounts.split(), program)]
        return list(dict.fromkeys(["alice", *named]))

    def scene(self) -> Scene:
        return Scene(self.transaction(), self.moves)


def _path(text: str) -> tuple[int, int]:
    outer, _, inner = text.partition(".")
    path = int(outer), int(inner) if inner else -1
    assert path_text(path) == text
    return path


def moved(path: str, account: str, delta_raw: int, asset: str = LAMPORTS_ASSET, owner: str = "") -> Move:
    """A transfer's move; `owner` where another owns the account, `asset` a mint by its name."""
    mint = asset if asset == LAMPORTS_ASSET else address(asset)
    return Move(path, address(account), address(owner or account), mint, delta_raw, "transfer")


def withheld(path: str, amount_raw: int, mint: str) -> Move:
    """What a token kept of a transfer as its own fee."""
    return Move(path, "withheld_fees", "withheld_fees", address(mint), amount_raw, "transfer", is_virtual=True)


def holding(account: str, mint: str, amount_raw: int, owner: str) -> TokenBalance:
    """A recorded token balance; `owner` '' where the node did not say."""
    return TokenBalance(
        account=address(account),
        mint=address(mint),
        owner=address(owner) if owner else None,
        amount_raw=amount_raw,
        decimals=6,
        program_id=None,
    )
