-- Calls whose discriminator no layout of their program declares, by hour, with a transaction to look at: it may have changed.
select u.hour_at, coalesce(n.name, u.program_id) as program, u.discriminator, u.calls as unknown_calls, h.calls,
       cast(u.calls / h.calls as decimal(9, 6)) as share, u.first_sig as first_signature
from unknown_discriminators u
join decoded_by_program_hour h on h.hour_at = u.hour_at and h.program_id = u.program_id
left join program_names n on n.program_id = u.program_id
order by u.hour_at desc, u.calls desc, program, u.discriminator
