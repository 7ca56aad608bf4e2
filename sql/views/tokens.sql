-- A row a token that a launchpad launched, graduated or migrated: the same as the table tokens that Postgres serves.
with steps as (
    select *, row_number() over (
        partition by mint, kind order by slot, tx_index nulls last, signature, log_idx, ordinal
    ) as number
    from token_events
    where kind in ('launch', 'graduation', 'migration')
), launched as (
    select * from steps where kind = 'launch' and number = 1
), graduated as (
    select * from steps where kind = 'graduation' and number = 1
), migrated as (
    select * from steps where kind = 'migration' and number = 1
)
select seen.mint,
       case when m.mint is not null then 'migrated' when g.mint is not null then 'graduated' else 'launched' end as status,
       coalesce(l.venue, g.venue, m.venue) as launchpad,
       coalesce(nullif(l.creator, ''), nullif(l.wallet, ''), nullif(g.creator, ''), nullif(m.creator, '')) as creator,
       l.block_time as launched_at, l.slot as launch_slot, l.signature as launch_signature,
       nullif(l.name, '') as name, nullif(l.symbol, '') as symbol, nullif(l.uri, '') as uri,
       coalesce(nullif(l.token_program, ''), nullif(g.token_program, ''), nullif(m.token_program, '')) as token_program,
       cast(f.decimals as integer) as decimals,
       coalesce(nullif(l.quote_mint, ''), nullif(g.quote_mint, ''), nullif(m.quote_mint, '')) as quote_mint,
       coalesce(nullif(l.pool, ''), nullif(g.pool, '')) as curve_account,
       g.block_time as graduated_at, m.block_time as migrated_at, m.slot as migrated_slot, nullif(m.pool, '') as pool
from (select distinct mint from steps) seen
left join launched l on l.mint = seen.mint
left join graduated g on g.mint = seen.mint
left join migrated m on m.mint = seen.mint
left join token_facts f on f.mint = seen.mint
