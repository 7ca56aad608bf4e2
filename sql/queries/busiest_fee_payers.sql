-- The wallets that paid for most transactions, and what they paid.
select fee_payer, count(*) as transactions, count(*) filter (is_failed) as failed, sum(fee_lamports) as fees_lamports
from raw_transactions
group by fee_payer
order by transactions desc, fee_payer
limit 20
