"""Names of the programs people ask for, by address; the SQL view of that name is made from them."""

from oof_pipelines.decode.programs import BY_ID

PROGRAM_NAMES = {
    "11111111111111111111111111111111": "system",
    "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA": "spl_token",
    "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb": "token_2022",
    "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL": "associated_token",
    "ComputeBudget111111111111111111111111111111": "compute_budget",
    "Vote111111111111111111111111111111111111111": "vote",
    "Stake11111111111111111111111111111111111111": "stake",
    "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr": "memo",
    "BPFLoaderUpgradeab1e11111111111111111111111": "upgradeable_loader",
    "AddressLookupTab1e1111111111111111111111111": "address_lookup_table",
    **{program_id: program.name for program_id, program in BY_ID.items()},
}
