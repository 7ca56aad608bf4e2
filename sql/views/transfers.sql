-- Tokens and lamports sent, with the decimals of what was sent: units(amount_raw, decimals) writes it out in whole tokens.
-- is_leg marks a part of a swap: what a pool paid out or took in is no gift.
with legs as (
    select signature, unnest(paths) as path from actions where kind = 'swap'
)
select a.signature, a.slot, a.tx_index, a.block_time, a.day, a.path, a.wallet as from_wallet, a.counterparty as to_wallet,
       a.asset as mint, a.amount_raw, case when a.asset = 'lamports' then 9 else f.decimals end as decimals,
       exists (select 1 from legs l where l.signature = a.signature and l.path = a.path) as is_leg, a.is_final
from actions a
left join token_facts f on f.mint = a.asset
where a.kind = 'transfer'
