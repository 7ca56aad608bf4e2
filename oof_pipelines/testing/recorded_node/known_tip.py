"""How far the node that answers a request has come: behind one address there are many, and some of them lag."""

from typing import Any

from oof_pipelines.testing.recorded_node.chain_view import View
from oof_pipelines.testing.recorded_node.json_rpc import RpcError, slot_param

MIN_CONTEXT_SLOT_NOT_REACHED = -32016
"""Code of agave's rpc-client-api, custom_error.rs."""


def known_tip_slot(view: View, commitment: str, options: dict[str, Any], request: str) -> int:
    """The newest slot that is known to whoever answers `request`; some slots behind where the stale_slot fault strikes.

    Raises `RpcError` -32016 where that is before the `minContextSlot` of `options`.
    """
    slot = view.tip_slot(commitment)
    faults = view.chain.faults
    if faults.is_on("stale_slot") and faults.befalls("stale_slot", faults.request_identity(f"stale {request}", "")):
        slot = max(0, slot - int(faults.setting("stale_slot", "lag")))
    min_slot = options.get("minContextSlot")
    if min_slot is not None and slot < slot_param(min_slot):
        raise RpcError(MIN_CONTEXT_SLOT_NOT_REACHED, "Minimum context slot has not been reached")
    return slot
