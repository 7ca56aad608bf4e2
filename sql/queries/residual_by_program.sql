-- Transactions with a part that no instruction explains, by the programs they called; those whose every word is read are left out.
select p.program, count(distinct a.signature) as transactions,
       coalesce(sum(a.amount_raw) filter (a.asset = 'lamports'), 0) as residual_lamports, min(a.signature) as example
from actions a
join programs p on p.signature = a.signature
where a.kind = 'residual'
  and p.program not in ('system', 'spl_token', 'token_2022', 'associated_token', 'compute_budget', 'memo', 'stake', 'vote')
group by p.program
order by transactions desc, p.program
