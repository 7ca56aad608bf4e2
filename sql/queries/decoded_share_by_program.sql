-- How much is decoded by program: transactions it leads without a residual, lamports that are explained, calls whose layout is known.
select coalesce(n.name, h.program_id) as program, sum(h.transactions) as transactions,
       cast(1 - sum(h.residual_transactions) / nullif(sum(h.transactions), 0) as decimal(9, 6)) as decoded_share,
       cast(1 - sum(h.residual_lamports) / nullif(sum(h.moved_lamports), 0) as decimal(9, 6)) as decoded_value_share,
       sum(h.calls) as calls,
       cast(1 - sum(h.unknown_calls + h.unread_calls) / nullif(sum(h.calls), 0) as decimal(9, 6)) as read_call_share,
       min(h.hour_at) as first_hour_at, max(h.hour_at) as last_hour_at
from decoded_by_program_hour h
left join program_names n on n.program_id = h.program_id
group by all
order by transactions desc, calls desc, program
