"""What one venue's decoder says of a transaction."""

from recorded_bodies import Recorded

from oof_pipelines.chain.transaction import ParsedTransaction, parse_transaction
from oof_pipelines.decode.book import book_transaction
from oof_pipelines.decode.call import Scene
from oof_pipelines.decode.facts import Fact
from oof_pipelines.decode.program import Program
from oof_pipelines.decode.reading import read_facts


def facts_of(program: Program, recording: Recorded | ParsedTransaction) -> list[Fact]:
    """The facts of that venue; no call of its program may be unread."""
    transaction = parse_transaction(recording.body) if isinstance(recording, Recorded) else recording
    scene = Scene(transaction, book_transaction(transaction).moves)
    reading = read_facts(scene)
    unread = [scene.instructions[scene.order_of(path)].program_id for path in reading.unread]
    assert not set(unread) & set(program.program_ids)
    return [fact for fact in reading.facts if getattr(fact, "venue", "") == program.name]
