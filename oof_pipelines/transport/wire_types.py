"""What every answer of a node must hold to be believed: the form of signatures and the range of slots."""

from typing import Annotated

import msgspec

from oof_pipelines.chain.body import MAX_SLOT

# 64 bytes are at least 64 base58 characters (all zero) and at most 88.
SignatureText = Annotated[str, msgspec.Meta(pattern="^[1-9A-HJ-NP-Za-km-z]{64,88}$")]
"""A signature in base58."""

SlotNumber = Annotated[int, msgspec.Meta(ge=0, le=MAX_SLOT)]
"""A slot no larger than any this century."""
