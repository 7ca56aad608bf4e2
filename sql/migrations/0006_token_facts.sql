-- What transactions show of tokens. A row a mint and day, replaced with the day; token_facts is the earliest of them.
create table token_sightings (
    mint text not null,
    day date not null,
    decimals smallint not null,
    token_program text not null,
    first_slot bigint not null,
    first_block_time timestamptz not null,
    first_sig text not null,
    primary key (mint, day)
);
create index token_sightings_by_day on token_sightings (day);

create table hot_token_facts (
    sig text not null references tx_raw (sig) on delete cascade,
    mint text not null,
    decimals smallint not null,
    token_program text not null,
    primary key (sig, mint)
);
create index hot_token_facts_by_mint on hot_token_facts (mint);
comment on table hot_token_facts is 'what the feed saw, until its day is decoded into the files';

create view token_facts as
with seen as (
    select mint, decimals, token_program, first_slot, first_block_time, first_sig from token_sightings
    union all
    select h.mint, h.decimals, h.token_program, t.slot, t.ts, t.sig from hot_token_facts h join tx_raw t using (sig)
), first as (
    select distinct on (mint) mint, decimals, first_slot, first_block_time, first_sig
    from seen order by mint, first_slot, first_sig
), told as (
    select distinct on (mint) mint, token_program
    from seen where token_program <> '' order by mint, first_slot, first_sig
)
select mint, null::text as symbol, decimals::integer as decimals, null::text as logo_url,
       coalesce(token_program, '') as token_program, first_slot, first_block_time, first_sig
from first left join told using (mint);
comment on view token_facts is 'one row a mint (spec 2, 0010); symbol and logo are null until a source of them is kept';
