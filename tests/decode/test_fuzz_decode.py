"""The fuzzer, for a bounded number of executions; and that it would find something if there were something."""

import pytest
import verdict
from fuzz_decode import BrokenError, fuzz

from oof_pipelines.chain.native import BUILD
from oof_pipelines.decode.decoded import Decoded, decode_transaction


@pytest.mark.skipif(
    BUILD == "compiled", reason="COMPILED: make native-clean first, compiled code shows no lines it runs"
)
def test_a_bounded_run_breaks_nothing_and_learns() -> None:
    outcome = fuzz(seed=1, executions=2_000)
    assert outcome.executions == 2_000
    assert outcome.ways_of_seeds > 300
    assert len(outcome.ways) > outcome.ways_of_seeds + 50
    assert set(outcome.verdicts) == {"refused", "failed", "decoded"}


def test_the_same_seed_finds_the_same() -> None:
    first, again, other = fuzz(3, 200), fuzz(3, 200), fuzz(4, 200)
    assert (first.digest, first.ways, first.verdicts) == (again.digest, again.ways, again.verdicts)
    assert first.digest != other.digest


def test_it_finds_a_book_that_forgets_burns(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(parsed: object) -> Decoded:
        decoded = decode_transaction(parsed)  # type: ignore[arg-type]
        decoded.moves[:] = [move for move in decoded.moves if move.kind != "burn"]
        return decoded

    monkeypatch.setattr(verdict, "decode_transaction", forgetful)
    with pytest.raises(BrokenError):
        fuzz(1, 2_000)


def test_it_finds_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def brittle(parsed: object) -> Decoded:
        decoded = decode_transaction(parsed)  # type: ignore[arg-type]
        if decoded.unread:
            raise KeyError("unread")
        return decoded

    monkeypatch.setattr(verdict, "decode_transaction", brittle)
    with pytest.raises(BrokenError, match="unread"):
        fuzz(1, 2_000)
