-- What transactions did, as served (spec 2, 0002). A row goes with its transaction; a folded day replaces its rows.
alter table tx_raw add column is_decoded boolean not null default false;
comment on column tx_raw.is_decoded is 'the day''s decoded files hold it; until then its rows here are the feed''s';
create index tx_raw_by_time on tx_raw (ts);
create index tx_raw_not_decoded on tx_raw (ts) where not is_decoded;

create table actions (
    id text primary key,
    sig text not null references tx_raw (sig) on delete cascade,
    log_idx integer not null,
    slot bigint not null,
    ts timestamptz not null,
    program_id text not null,
    kind text not null,
    mint text not null,
    amount_dec numeric(38, 18),
    exec_px_usd_dec numeric(38, 18),
    route text,
    flags_json jsonb not null default '{}',
    path text not null,
    venue text not null,
    wallet text not null,
    counterparty text not null,
    amount_raw numeric(38, 0) not null check (amount_raw >= 0),
    bought_mint text not null,
    bought_raw numeric(38, 0) not null check (bought_raw >= 0),
    paths text[] not null
);
comment on column actions.log_idx is 'outer × 65536 + inner + 1; −1 the network fee, 2147483647 the residual';
comment on column actions.mint is 'what moved (sold, for a swap): a mint, or ''lamports''';
comment on column actions.amount_raw is 'in base units; each balance is a u64, but a sum of several (a residual) may be more';
comment on column actions.amount_dec is 'amount_raw in whole tokens; null where the day shows no decimals, or too large for the column';
comment on column actions.exec_px_usd_dec is 'null until prices are kept';
comment on column actions.route is 'the router a swap went through';
create index actions_by_sig on actions (sig, log_idx);
create index actions_by_mint on actions (mint, ts);
create index actions_by_wallet on actions (wallet, ts desc, id desc);
create index actions_flags on actions using gin (flags_json);
