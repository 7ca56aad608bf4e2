-- Every stored signature, for good: the index that keeps a transaction from being fetched twice (spec 2, 0001).
create table tx_raw (
    sig text primary key,
    slot bigint not null check (slot >= 0),
    ts timestamptz not null,
    status text not null check (status in ('ok', 'failed')),
    object_key text,
    size_bytes integer not null,
    tx_index integer,
    is_block_time_estimated boolean not null,
    is_final boolean not null default false,
    stored_at timestamptz not null default now()
);
comment on column tx_raw.object_key is 'the Parquet file under the store that holds the body; null while it waits in the inbox';
comment on column tx_raw.size_bytes is 'size of the compressed body';
comment on column tx_raw.is_final is 'seen finalised; until then the row is provisional and may vanish';
create index tx_raw_by_slot on tx_raw (slot);
create index tx_raw_provisional on tx_raw (slot) where not is_final;
