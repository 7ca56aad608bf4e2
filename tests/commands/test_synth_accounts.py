"""`oof synth chain --accounts`: what the chain wrote into accounts lies beside its transactions, the same bytes each time."""

from pathlib import Path

from click.testing import CliRunner

from oof_pipelines.commands.synth import synth
from oof_pipelines.testing.recorded_accounts import ACCOUNTS_NAME, load_accounts
from oof_pipelines.testing.recorded_node.ledger import load_ledger

OPTIONS = ["chain", "--wallets", "3", "--transactions", "25", "--days", "1"]


def test_accounts_lie_beside_their_transactions(tmp_path: Path) -> None:
    for name in ("one", "two"):
        result = CliRunner().invoke(synth, [*OPTIONS, "--out", str(tmp_path / name), "--accounts"])
        assert result.exit_code == 0, result.output
    one, two = (tmp_path / name / f"{ACCOUNTS_NAME}.gz" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    ledger, accounts = load_ledger(tmp_path / "one"), load_accounts(tmp_path / "one")
    assert len(ledger.entries) == 25, "the file is no recording of transactions"
    told = {update.signature for slot in ledger.slots for update in accounts.account_updates(slot)}
    assert told == {entry.signature for entry in ledger.entries}, "each paid a fee at least"
    assert [len(ledger.accounts.account_updates(slot)) for slot in ledger.slots] == [
        len(accounts.account_updates(slot)) for slot in ledger.slots
    ]


def test_a_chain_without_pools_has_no_accounts_to_tell(tmp_path: Path) -> None:
    result = CliRunner().invoke(synth, ["chain", "--out", str(tmp_path / "none"), "--accounts"])
    assert result.exit_code == 2
    assert "--accounts wants --wallets" in result.output
    CliRunner().invoke(synth, [*OPTIONS, "--out", str(tmp_path / "plain")])
    assert not list((tmp_path / "plain").glob("*.tsv*"))
