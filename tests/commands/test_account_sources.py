"""Which accounts the feed follows, by the settings, and what it says of them."""

import asyncio
import random
from typing import Any

import pytest

from oof_pipelines.commands.account_metrics import AccountCollector
from oof_pipelines.commands.account_sources import AccountSources, account_sources, log_targets
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.transport.system_clock import SystemClock

STAKING, CAMPAIGNS = "So11111111111111111111111111111111111111112", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
WATCHED = "7n9jvPADeWJrqPeZXgUXQ1uauQoCNiP4fHsAxw5nfKwR"
PROGRAMS = {"OOF_STAKING_PROGRAM_ID": STAKING, "OOF_CAMPAIGNS_PROGRAM_ID": CAMPAIGNS}
RPC = {"RPC_PRIMARY": "http://127.0.0.1:1", "RPC_WS": "ws://127.0.0.1:1"}
GEYSER = {"OOF_GEYSER_URL": "http://127.0.0.1:1", "OOF_GEYSER_ACCOUNTS": WATCHED}


def made(values: dict[str, str]) -> AccountSources:
    async def scenario() -> AccountSources:
        inbox = PostgresInbox(lambda: "postgresql://nobody@127.0.0.1:1/none")
        nobody: Any = None
        return await account_sources(
            load_settings({**RPC, **values}), nobody, inbox, SystemClock(), random.Random(1), from_slot=None
        )

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("sources", "targets", "heard"),
    [
        ("logs", ("A",), ("A",)),
        ("logs,accounts", ("A",), ("A", STAKING, CAMPAIGNS)),
        ("logs,accounts", (STAKING,), (STAKING, CAMPAIGNS)),
        ("logs,accounts", ("all",), ("all",)),
        ("accounts", ("all",), (STAKING, CAMPAIGNS)),
        ("geyser,accounts", ("A",), (STAKING, CAMPAIGNS)),
        ("webhook", ("A",), ()),
    ],
)
def test_logs_are_heard_of_targets_and_of_our_own_programs(
    sources: str, targets: tuple[str, ...], heard: tuple[str, ...]
) -> None:
    settings = load_settings({**RPC, **PROGRAMS, **GEYSER, "OOF_SOURCES": sources})
    assert log_targets(settings, targets) == heard


def test_nothing_is_followed_that_is_not_asked_for() -> None:
    assert made({"OOF_SOURCES": "accounts", **PROGRAMS}) == AccountSources(None, None, None)
    assert made({"OOF_SOURCES": "logs", "OOF_WATCHED_ACCOUNTS": WATCHED, **GEYSER}) == AccountSources(None, None, None)
    without_accounts = {"OOF_SOURCES": "geyser", "OOF_GEYSER_URL": "http://127.0.0.1:1"}
    assert made(without_accounts) == AccountSources(None, None, None)


def test_each_source_follows_what_it_is_named_and_counts_it() -> None:
    by_hint = made({"OOF_SOURCES": "accounts", "OOF_WATCHED_ACCOUNTS": WATCHED, **GEYSER})
    assert by_hint.hints is not None
    assert by_hint.stream is by_hint.keeper is None
    by_stream = made({"OOF_SOURCES": "geyser", "OOF_WATCHED_ACCOUNTS": WATCHED, **GEYSER})
    assert by_stream.hints is None
    assert by_stream.keeper is not None
    by_stream.keeper.counts.unknown["odd"] += 2
    by_stream.keeper.counts.unknown["odder"] += 1
    by_stream.keeper.counts.kept = 5
    assert by_stream.shown_counts() == {"accounts": 5}
    both = AccountSources(by_hint.hints, by_stream.keeper, by_stream.stream)
    assert both.shown_counts() == {"account_hints": 0, "accounts": 5}
    told = {metric.name: metric.samples[0].value for metric in AccountCollector(both).collect()}
    assert (told["oof_accounts_unknown"], told["oof_accounts_kept"]) == (3, 5)
    assert {"oof_account_hints_listings", "oof_account_stream_newest_slot"} <= told.keys()
