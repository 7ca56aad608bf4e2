"""Whether decoding a body, whatever it holds, ended as it may."""

from outside_count import faults

from oof_pipelines.chain.body import BodyError
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.conservation import conservation_faults
from oof_pipelines.decode.decoded import decode_transaction


def judge(raw_body: bytes) -> str:
    """'refused', 'failed' or 'decoded'; AssertionError where what must never be is."""
    try:
        parsed = parse_transaction(raw_body)
    except BodyError:
        return "refused"
    result = decode_transaction(parsed)
    assert faults(raw_body, result) == []
    assert conservation_faults(parsed, result.moves) == []
    return "failed" if parsed.is_failed else "decoded"
