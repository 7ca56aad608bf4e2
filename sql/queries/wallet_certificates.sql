-- How complete each analysed wallet is proven to be, and what speaks against it. Incomplete ones first.
select wallet, is_complete, since, as_of, proven_until, listed_transactions, transactions, waiting, quarantined, provisional,
       accounts_proven || ' of ' || accounts_enumerated as accounts_proven, accounts_left_out,
       residual_share_of_usd, undecoded_share_of_usd, unknown_basis_share, array_to_string(reasons, '; ') as reasons
from coverage_certificates
order by is_complete, certified_at desc, wallet
