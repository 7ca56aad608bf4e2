-- What programs say happened, as the feed decoded it, until its day is folded: trades, their fees, liquidity, token events.
create table hot_swaps (
    sig text not null references tx_raw (sig) on delete cascade,
    log_idx integer not null,
    path text not null,
    is_route boolean not null,
    ordinal integer not null,
    route_path text not null,
    route_ordinal integer not null,
    program_id text not null,
    via text not null,
    venue text not null,
    pool text not null,
    trader text not null,
    recipient text not null,
    sold_mint text not null,
    sold_raw numeric(38, 0) not null,
    bought_mint text not null,
    bought_raw numeric(38, 0) not null,
    reserve_kind text not null,
    sold_reserve_before_raw numeric(38, 0),
    sold_reserve_after_raw numeric(38, 0),
    bought_reserve_before_raw numeric(38, 0),
    bought_reserve_after_raw numeric(38, 0),
    primary key (sig, path, is_route, ordinal)
);
comment on column hot_swaps.is_route is 'the net trade, which is booked; false for a leg of it';

create table hot_fee_parts (
    sig text not null references tx_raw (sig) on delete cascade,
    log_idx integer not null,
    path text not null,
    is_route boolean not null,
    ordinal integer not null,
    seq integer not null,
    kind text not null,
    mint text not null,
    amount_raw numeric(38, 0) not null,
    side text not null,
    recipient text not null,
    primary key (sig, path, is_route, ordinal, seq)
);
comment on column hot_fee_parts.side is 'on_top: the swap''s amounts leave it out; inside: they contain it';

create table hot_liquidity (
    sig text not null references tx_raw (sig) on delete cascade,
    log_idx integer not null,
    path text not null,
    kind text not null,
    ordinal integer not null,
    program_id text not null,
    venue text not null,
    pool text not null,
    wallet text not null,
    mint text not null,
    amount_raw numeric(38, 0) not null,
    share_mint text not null,
    share_raw numeric(38, 0) not null,
    primary key (sig, path, kind, ordinal)
);

create table hot_token_events (
    sig text not null references tx_raw (sig) on delete cascade,
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
    primary key (sig, path, kind, ordinal)
);
create index hot_token_events_by_mint on hot_token_events (mint);
