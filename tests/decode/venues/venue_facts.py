"""What the decoders say of a transaction, recorded or made by hand: of all of it, or of some venues alone."""

from dataclasses import dataclass

from recorded_bodies import Recorded

from oof_pipelines.chain.transaction import ParsedTransaction, parse_transaction
from oof_pipelines.decode.book import Booked, book_transaction
from oof_pipelines.decode.call import Scene
from oof_pipelines.decode.facts import Fact, Leg
from oof_pipelines.decode.reading import Reading, read_facts

Source = Recorded | ParsedTransaction | bytes
"""A recorded transaction, a parsed one, or a getTransaction result."""


@dataclass(frozen=True, slots=True)
class ReadTransaction:
    """What a transaction was booked as, and what its calls said."""

    scene: Scene
    booked: Booked
    reading: Reading

    @property
    def facts(self) -> list[Fact]:
        """What was said, in call order; no call may have been unread."""
        assert self.booked.unread == self.reading.unread == [], (self.booked.unread, self.reading.unread)
        return self.reading.facts


def read(source: Source) -> ReadTransaction:
    """A transaction booked and read."""
    if isinstance(source, ParsedTransaction):
        transaction = source
    else:
        transaction = parse_transaction(source.body if isinstance(source, Recorded) else source)
    booked = book_transaction(transaction)
    scene = Scene(transaction, booked.moves)
    return ReadTransaction(scene, booked, read_facts(scene))


def facts_of(source: Source, *names: str) -> list[Fact]:
    """The facts of the venues and routers of those names, in call order; no call of the transaction may be unread."""
    assert names
    return [one for one in read(source).facts if {getattr(one, "venue", ""), getattr(one, "router", "")} & set(names)]


def legs_of(source: Source, name: str) -> list[Leg]:
    """A venue's legs among them."""
    return [one for one in facts_of(source, name) if isinstance(one, Leg)]


def fee_lines(leg: Leg) -> list[str]:
    """The parts of a leg's fee as `kind amount side recipient`, the recipient by its first letters."""
    return [f"{part.kind} {part.amount_raw} {part.side} {part.recipient[:6]}" for part in leg.fees]
