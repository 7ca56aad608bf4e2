-- What watched wallets and vaults hold now, as their accounts say; mint is null for SOL, and where the account is gone.
select account, kind, wallet, mint, balance_raw, slot, write_version, ts, is_final
from served_account_balances
