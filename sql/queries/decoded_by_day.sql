-- How much of every day is decoded, adds up, and has a residual; days that only the feed has decoded yet are not here.
select day, transactions, decoded, conserved, residual, moved_lamports, residual_lamports, decoder_version
from decoded_days
order by day
