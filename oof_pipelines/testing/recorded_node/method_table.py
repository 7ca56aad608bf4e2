"""The HTTP methods of the node by name."""

from collections.abc import Callable
from typing import Any

import msgspec

from oof_pipelines.testing.recorded_node import account_methods, block_methods, token_methods, transaction_methods
from oof_pipelines.testing.recorded_node.chain_view import View
from oof_pipelines.testing.recorded_node.json_rpc import (
    LONG_TERM_STORAGE_UNREACHABLE,
    METHOD_NOT_FOUND,
    Request,
    RpcError,
)

MAINNET_GENESIS_HASH = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"
Method = Callable[[View, list[Any]], bytes]


def build_methods(genesis_hash: str) -> dict[str, Method]:
    """Every method: a view of the chain and the parameters to the JSON text of the result, or an `RpcError`."""
    version = msgspec.json.encode({"feature-set": 0, "solana-core": transaction_methods.API_VERSION})
    genesis = msgspec.json.encode(genesis_hash)
    return {
        "getTransaction": transaction_methods.get_transaction,
        "getSignaturesForAddress": transaction_methods.get_signatures_for_address,
        "getSignatureStatuses": transaction_methods.get_signature_statuses,
        "getSlot": block_methods.get_slot,
        "getBlocks": block_methods.get_blocks,
        "getBlocksWithLimit": block_methods.get_blocks_with_limit,
        "getBlock": block_methods.get_block,
        "getBlockTime": block_methods.get_block_time,
        "getFirstAvailableBlock": block_methods.get_first_available_block,
        "getAccountInfo": account_methods.get_account_info,
        "getMultipleAccounts": account_methods.get_multiple_accounts,
        "getTokenAccountsByOwner": token_methods.get_token_accounts_by_owner,
        "getHealth": lambda view, params: b'"ok"',
        "getVersion": lambda view, params: version,
        "getGenesisHash": lambda view, params: genesis,
    }


def call_method(methods: dict[str, Method], view: View, request: Request) -> bytes:
    """The result of `request`; raises `RpcError` for what is no method, wrong, or unreadable on disk."""
    method = methods.get(request.method)
    if method is None:
        raise RpcError(METHOD_NOT_FOUND, "Method not found")
    try:
        return method(view, request.params)
    except OSError as error:
        # A recording has gone or changed since it was indexed. That does not pass, so it is no internal error, which
        # clients ask again for ever.
        reason = f"Failed to query long-term storage: {error.strerror or 'the recording has changed'}"
        raise RpcError(LONG_TERM_STORAGE_UNREACHABLE, reason) from None
