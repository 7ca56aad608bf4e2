"""Which accounts the feed follows, and by what, as the settings choose."""

import random
from dataclasses import dataclass

from oof_pipelines.commands.feed_sources import geyser_stream
from oof_pipelines.interfaces import Clock, TransactionSource
from oof_pipelines.settings import Settings
from oof_pipelines.source_settings import ACCOUNTS, LOGS
from oof_pipelines.storage.postgres.accounts import PostgresAccounts
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.transport.account_socket import AccountSocket
from oof_pipelines.workflows.follow_accounts import AccountHints
from oof_pipelines.workflows.follow_geyser_accounts import AccountFeed
from oof_pipelines.workflows.keep_accounts import AccountKeeper


@dataclass(frozen=True, slots=True)
class AccountSources:
    """What follows accounts: by accountSubscribe those of our own programs, by Geyser pools, mints and balances."""

    hints: AccountHints | None
    keeper: AccountKeeper | None
    stream: AccountFeed | None

    def shown_counts(self) -> dict[str, int]:
        """A few counts for the feed's lines in the log."""
        shown: dict[str, int] = {}
        if self.hints is not None:
            shown["account_hints"] = self.hints.counts.heard
        if self.keeper is not None:
            shown["accounts"] = self.keeper.counts.kept
        return shown


def log_targets(settings: Settings, targets: tuple[str, ...]) -> tuple[str, ...]:
    """Whose logs are heard: the targets where logs are a source, and our own programs where accounts are one."""
    heard = targets if LOGS in settings.sources else ()
    if ACCOUNTS in settings.sources and not {"all", "allWithVotes"} & set(heard):
        heard = (*heard, *settings.programs.ids)
    return tuple(dict.fromkeys(heard))


async def account_sources(
    settings: Settings,
    rpc: TransactionSource,
    inbox: PostgresInbox,
    clock: Clock,
    randomness: random.Random,
    *,
    from_slot: int | None,
) -> AccountSources:
    """What the settings choose. Raises `SettingsError` where the Geyser server does not let us in."""
    hints = None
    if ACCOUNTS in settings.sources and settings.programs.watched_accounts:
        socket = AccountSocket(
            settings.rpc_sockets, timeout_seconds=settings.rpc_timeout_seconds, clock=clock, randomness=randomness
        )
        watched = settings.programs.watched_accounts
        hints = AccountHints(socket, rpc, inbox, clock, accounts=watched, from_slot=from_slot)
    wanted = settings.geyser
    has_accounts = bool(wanted.account_owners or wanted.accounts)
    # A stream of its own: accounts and transactions do not wait for each other.
    stream = await geyser_stream(settings, clock, randomness) if has_accounts else None
    if stream is None:
        return AccountSources(hints, None, None)
    store = PostgresAccounts(inbox)
    keeper = AccountKeeper(store, rpc, clock, watched=wanted.accounts)
    feed = AccountFeed(
        stream, keeper, store, inbox, clock, account_owners=wanted.account_owners, accounts=wanted.accounts
    )
    return AccountSources(hints, keeper, feed)
