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

create view token_facts as
select distinct on (mint)
    mint, null::text as symbol, decimals::integer as decimals, null::text as logo_url, token_program,
    first_slot, first_block_time, first_sig
from token_sightings
order by mint, first_slot, first_sig;
comment on view token_facts is 'one row a mint (spec 2, 0010); symbol and logo are null until a source of them is kept';
