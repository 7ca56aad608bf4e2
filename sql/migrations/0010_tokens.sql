-- Tokens and their lives (spec 1). A row an event, replaced with its day; tokens is one row a mint over all days.
create table token_events (
    day date not null,
    sig text not null,
    slot bigint not null,
    tx_index integer,
    ts timestamptz not null,
    log_idx integer not null,
    path text not null,
    kind text not null,
    ordinal integer not null,
    program_id text not null,
    venue text not null,
    mint text not null,
    wallet text not null,
    pool text not null,
    quote_mint text not null,
    creator text not null,
    name text not null,
    symbol text not null,
    uri text not null,
    token_program text not null,
    primary key (sig, path, kind, ordinal, day)
);
create index token_events_by_day on token_events (day);
create index token_events_by_mint on token_events (mint);
create index token_events_by_kind on token_events (kind, ts desc);
comment on table token_events is 'launch, graduation, migration, pool_created, of the days in files; the feed''s are in hot_token_events';

create view tokens as
with steps as not materialized (
    select mint, kind, slot, tx_index, ts, sig, log_idx, ordinal, venue, wallet, pool, quote_mint, creator, name, symbol, uri,
           token_program
    from token_events
    union all
    select h.mint, h.kind, t.slot, t.tx_index, t.ts, h.sig, h.log_idx, h.ordinal, h.venue, h.wallet, h.pool, h.quote_mint,
           h.creator, h.name, h.symbol, h.uri, h.token_program
    from hot_token_events h join tx_raw t using (sig)
), launched as not materialized (
    select distinct on (mint) * from steps where kind = 'launch'
    order by mint, slot, tx_index, sig collate "C", log_idx, ordinal
), graduated as not materialized (
    select distinct on (mint) * from steps where kind = 'graduation'
    order by mint, slot, tx_index, sig collate "C", log_idx, ordinal
), migrated as not materialized (
    select distinct on (mint) * from steps where kind = 'migration'
    order by mint, slot, tx_index, sig collate "C", log_idx, ordinal
), seen as not materialized (
    select distinct mint from steps where kind in ('launch', 'graduation', 'migration')
)
select seen.mint,
       case when m.mint is not null then 'migrated' when g.mint is not null then 'graduated' else 'launched' end as status,
       coalesce(l.venue, g.venue, m.venue) as launchpad,
       coalesce(nullif(l.creator, ''), nullif(l.wallet, ''), nullif(g.creator, ''), nullif(m.creator, '')) as creator,
       l.ts as launched_at, l.slot as launch_slot, l.sig as launch_signature,
       nullif(l.name, '') as name, nullif(l.symbol, '') as symbol, nullif(l.uri, '') as uri,
       coalesce(nullif(l.token_program, ''), nullif(g.token_program, ''), nullif(m.token_program, '')) as token_program,
       coalesce((select s.decimals from token_sightings s where s.mint = seen.mint order by s.day limit 1),
                (select h.decimals from hot_token_facts h where h.mint = seen.mint limit 1))::integer as decimals,
       coalesce(nullif(l.quote_mint, ''), nullif(g.quote_mint, ''), nullif(m.quote_mint, '')) as quote_mint,
       coalesce(nullif(l.pool, ''), nullif(g.pool, '')) as curve_account,
       g.ts as graduated_at, m.ts as migrated_at, m.slot as migrated_slot, nullif(m.pool, '') as pool
from seen
left join launched l on l.mint = seen.mint
left join graduated g on g.mint = seen.mint
left join migrated m on m.mint = seen.mint;
comment on view tokens is 'one row a mint that a launchpad launched, graduated or migrated; null where its launch was not recorded';
comment on column tokens.curve_account is 'where it traded on its launchpad';
comment on column tokens.pool is 'where its liquidity went; null until it is migrated';
