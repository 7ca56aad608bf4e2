"""getAccountInfo and getMultipleAccounts, answered from recorded writes of accounts; null where nothing is recorded."""

from typing import Any

from oof_pipelines.testing.recorded_node.chain_view import View
from oof_pipelines.testing.recorded_node.json_rpc import commitment_of, config, invalid_params, pubkey_param, required
from oof_pipelines.testing.recorded_node.transaction_methods import with_context

_MOST_ACCOUNTS = 100


def get_account_info(view: View, params: list[Any]) -> bytes:
    """One account at the tip of the commitment asked for, in base64 whatever encoding is asked for."""
    account = pubkey_param(required(params, 0))
    commitment = commitment_of(config(params, 1), is_processed_allowed=True)
    return with_context(view, commitment, _account(view, account, commitment))


def get_multiple_accounts(view: View, params: list[Any]) -> bytes:
    """Several accounts, in the order asked for."""
    asked = required(params, 0)
    if not isinstance(asked, list) or len(asked) > _MOST_ACCOUNTS:
        raise invalid_params(f"Invalid params: expected at most {_MOST_ACCOUNTS} addresses.")
    accounts = [pubkey_param(one) for one in asked]
    commitment = commitment_of(config(params, 1), is_processed_allowed=True)
    return with_context(view, commitment, [_account(view, account, commitment) for account in accounts])


def _account(view: View, account: str, commitment: str) -> dict[str, Any] | None:
    return view.chain.ledger.accounts.account_json(account, view.tip_slot(commitment))
