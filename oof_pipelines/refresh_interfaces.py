"""What making touched wallets again needs of the world, as Protocols, and the plain values that pass between."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import polars as pl

from oof_pipelines.positions.events import PositionEvent


@dataclass(slots=True)
class TakenWallet:
    """A wallet that is due. `versions` are its touches by cause; `touched_at` is when the waiting `event`, else the `price`,
    was told first.
    """

    wallet: str
    bucket: int
    versions: dict[str, int]
    touched_at: datetime


@dataclass(frozen=True, slots=True)
class BucketNote:
    """Which files a bucket's rows are served from, and what those were made of; '' where it is not served from files."""

    positions_sha256: str
    positions_inputs: str
    moments_sha256: str
    moments_inputs: str
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a turn began with. `notes` were read before anything else; `read_at` is when the events were."""

    as_of: datetime
    began_at: datetime
    read_at: datetime
    notes: Mapping[int, BucketNote]


@dataclass(frozen=True, slots=True)
class RefreshedWallet:
    """A wallet that was made again, of so many events, the newest of them at `newest_block_at`."""

    taken: TakenWallet
    event_count: int
    newest_block_at: datetime | None


class TouchedWallets(Protocol):
    """Where touches wait and rows are served."""

    def take(self, now: datetime, limit: int) -> list[TakenWallet]:
        """Wallets that are due, at most `limit` touches of them."""
        ...

    def newest_block_at(self) -> datetime | None:
        """The block time of the newest stored transaction, folded or not."""
        ...

    def notes(self, buckets: Collection[int]) -> dict[int, BucketNote]: ...

    def waiting_events(self, wallets: Collection[str]) -> dict[str, list[PositionEvent]]:
        """Wallet → its events that no file need hold yet, in no order."""
        ...

    def serve(
        self, asked: Asked, refreshed: Sequence[RefreshedWallet], frames: Mapping[str, pl.DataFrame]
    ) -> list[str]:
        """Replace the wallets' served rows in one transaction; which of them were. `frames` are by dataset.

        Wallets of a bucket that was served from files meanwhile stay due.
        """
        ...

    def put_off(self, wallets: Collection[str], why: str) -> None:
        """They could not be made: they are due again later."""
        ...


class WalletFiles(Protocol):
    """The buckets' files of wallet_events, wallet by wallet."""

    def events(self, bucket: int, wallets: Collection[str]) -> dict[str, list[PositionEvent]]:
        """Wallet → its events in the file, in the file's order."""
        ...
