"""Token metadata by JSON-RPC: DAS getAssetBatch as Helius answers it, getMultipleAccounts as any node does."""

from typing import Any

from oof_pipelines.testing.market_server.asking import Asked, Reply, ReplyError
from oof_pipelines.testing.market_server.world import TOKEN_2022_PROGRAM

_MOST_ASSETS = 1000
_MOST_ACCOUNTS = 100


def answer_rpc(asked: Asked) -> Reply:
    """POST: one JSON-RPC request; errors are HTTP 200, as nodes do."""
    content = asked.content
    if not isinstance(content, dict):
        return Reply(_error(None, -32600, "Invalid request"))
    method, parameters, request_id = content.get("method"), content.get("params"), content.get("id")
    try:
        if method == "getAssetBatch":
            return Reply(_result(request_id, _assets(asked, parameters)))
        if method == "getMultipleAccounts":
            return Reply(_result(request_id, _accounts(asked, parameters)))
    except ReplyError as error:
        return Reply(_error(request_id, -32602, error.reply.value))
    return Reply(_error(request_id, -32601, "Method not found"))


def _assets(asked: Asked, parameters: Any) -> list[Any]:
    ids = parameters.get("ids") if isinstance(parameters, dict) else None
    if not isinstance(ids, list) or not 1 <= len(ids) <= _MOST_ASSETS:
        raise ReplyError(400, f"ids: wants 1 to {_MOST_ASSETS} of them")
    return [_asset(asked, mint) if isinstance(mint, str) and asked.world.is_known(mint) else None for mint in ids]


def _asset(asked: Asked, mint: str) -> dict[str, Any]:
    name, symbol = asked.world.words(mint)
    return {
        "interface": "FungibleToken",
        "id": mint,
        "content": {
            "$schema": "https://schema.metaplex.com/nft1.0.json",
            "json_uri": f"https://example.org/{mint}.json",
            "metadata": {"name": name, "symbol": symbol, "description": ""},
            "links": {"image": f"https://example.org/{mint}.png"},
        },
        "mutable": False,
        "burnt": False,
        "token_info": {
            "symbol": symbol,
            "supply": 10**15,
            "decimals": asked.number(mint, asked.world.decimals(mint)),
            "token_program": asked.world.token_program(mint),
        },
    }


def _accounts(asked: Asked, parameters: Any) -> dict[str, Any]:
    addresses = parameters[0] if isinstance(parameters, list) and parameters else None
    if not isinstance(addresses, list) or len(addresses) > _MOST_ACCOUNTS:
        raise ReplyError(400, f"Too many inputs provided; max {_MOST_ACCOUNTS}")
    value = [_account(asked, one) if isinstance(one, str) and asked.world.is_known(one) else None for one in addresses]
    return {"context": {"slot": asked.world.slot(asked.now), "apiVersion": "3.0.0"}, "value": value}


def _account(asked: Asked, mint: str) -> dict[str, Any]:
    program = asked.world.token_program(mint)
    name, symbol = asked.world.words(mint)
    info: dict[str, Any] = {
        "decimals": asked.number(mint, asked.world.decimals(mint)),
        "freezeAuthority": None,
        "isInitialized": True,
        "mintAuthority": None,
        "supply": "1000000000000000",
    }
    if program == TOKEN_2022_PROGRAM:
        words = {"mint": mint, "name": name, "symbol": symbol, "uri": "", "additionalMetadata": []}
        info["extensions"] = [{"extension": "tokenMetadata", "state": words}]
    short = "spl-token-2022" if program == TOKEN_2022_PROGRAM else "spl-token"
    return {
        "data": {"parsed": {"info": info, "type": "mint"}, "program": short, "space": 82},
        "executable": False,
        "lamports": 1_461_600,
        "owner": program,
        "rentEpoch": 18_446_744_073_709_551_615,
        "space": 82,
    }


def _result(request_id: Any, result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "result": result, "id": request_id}


def _error(request_id: Any, code: int, message: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "error": {"code": code, "message": message}, "id": request_id}
