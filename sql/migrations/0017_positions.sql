-- Positions and moments by wallet (spec 2 §3), replaced by wallet bucket; the files hold them for good. Amounts `_raw` are
-- base units of their mint; qty… beside them are whole tokens, null where the decimals are unknown. Dollars are null where
-- no price is known, never 0.
create table lots (
    lot_id text primary key,
    bucket smallint not null check (bucket between 0 and 63),
    wallet text not null,
    mint text not null,
    episode_id text not null,
    origin text not null,
    sig text not null,
    path text not null,
    slot bigint not null,
    tx_index integer,
    entry_ts timestamptz not null,
    decimals smallint,
    qty_initial numeric,
    qty_remaining numeric,
    qty_initial_raw numeric(38, 0) not null check (qty_initial_raw >= 0),
    qty_remaining_raw numeric(38, 0) not null check (qty_remaining_raw >= 0),
    qty_sold_raw numeric(38, 0) not null check (qty_sold_raw >= 0),
    qty_moved_raw numeric(38, 0) not null check (qty_moved_raw >= 0),
    qty_in_pool_raw numeric(38, 0) not null check (qty_in_pool_raw >= 0),
    entry_px_usd_dec numeric(38, 18),
    cost_mint text,
    cost_raw numeric(38, 0),
    cost_remaining_raw numeric(38, 0),
    cost_usd_dec numeric(38, 18),
    cost_remaining_usd_dec numeric(38, 18),
    basis_status text not null check (basis_status in ('known', 'market', 'unknown')),
    check (qty_initial_raw = qty_remaining_raw + qty_sold_raw + qty_moved_raw + qty_in_pool_raw)
);
create index lots_by_bucket on lots (bucket);
create index lots_by_wallet on lots (wallet, mint, entry_ts);
create index lots_open on lots (wallet, mint) where qty_remaining_raw > 0 or qty_in_pool_raw > 0;
comment on column lots.entry_px_usd_dec is 'dollars a whole token, for show: the money is cost_usd_dec';

create table realized_trades (
    exit_id text primary key,
    bucket smallint not null check (bucket between 0 and 63),
    wallet text not null,
    mint text not null,
    episode_id text not null,
    kind text not null check (kind in ('sell', 'exchange_transfer', 'burn')),
    sig text not null,
    path text not null,
    slot bigint not null,
    tx_index integer,
    ts timestamptz not null,
    qty numeric,
    qty_raw numeric(38, 0) not null check (qty_raw >= 0),
    decimals smallint,
    vwavg_exit_px_usd_dec numeric(38, 18),
    proceeds_mint text not null,
    proceeds_raw numeric(38, 0) not null,
    proceeds_usd_dec numeric(38, 18),
    cost_mint text,
    cost_raw numeric(38, 0),
    cost_usd_dec numeric(38, 18),
    basis_status text not null check (basis_status in ('known', 'market', 'unknown')),
    realized_pnl_usd_dec numeric(38, 18),
    average_cost_usd_dec numeric(38, 18),
    average_pnl_usd_dec numeric(38, 18),
    entry_ts timestamptz,
    network_fee_lamports numeric(38, 0) not null,
    tip_lamports numeric(38, 0) not null,
    rent_lamports numeric(38, 0) not null,
    fees_usd_dec numeric(38, 18),
    price_source text not null,
    price_confidence numeric(38, 18)
);
create index realized_trades_by_bucket on realized_trades (bucket);
create index realized_trades_by_wallet on realized_trades (wallet, ts desc, exit_id desc);
create index realized_trades_by_time on realized_trades (ts);
create index realized_trades_by_pnl on realized_trades (wallet, realized_pnl_usd_dec);
comment on table realized_trades is 'a sale, an exchange transfer or a burn, a row a cost mint and basis status';
comment on column realized_trades.vwavg_exit_px_usd_dec is 'dollars a whole token, for show: the money is proceeds_usd_dec';

create table episodes (
    episode_id text primary key,
    bucket smallint not null check (bucket between 0 and 63),
    wallet text not null,
    mint text not null,
    number integer not null check (number >= 1),
    start_ts timestamptz not null,
    end_ts timestamptz,
    start_sig text not null,
    end_sig text not null,
    bought_raw numeric(38, 0) not null,
    sold_raw numeric(38, 0) not null,
    received_raw numeric(38, 0) not null,
    moved_out_raw numeric(38, 0) not null,
    held_raw numeric(38, 0) not null check (held_raw >= 0),
    in_pool_raw numeric(38, 0) not null check (in_pool_raw >= 0),
    basis_usd_dec numeric(38, 18),
    proceeds_usd_dec numeric(38, 18),
    unknown_proceeds_usd_dec numeric(38, 18),
    realized_pnl_usd_dec numeric(38, 18),
    roi_pct_dec numeric(38, 18),
    average_pnl_usd_dec numeric(38, 18),
    fees_usd_dec numeric(38, 18),
    trades integer not null,
    is_open boolean not null
);
create index episodes_by_bucket on episodes (bucket);
create index episodes_by_wallet on episodes (wallet, mint, start_ts);
comment on column episodes.roi_pct_dec is 'realised PnL ÷ basis: 0.25 is a quarter';

create table oof_moments (
    id text primary key,
    bucket smallint not null check (bucket between 0 and 63),
    wallet text not null,
    mint text not null,
    kind text not null check (kind in ('S2E', 'BHD', 'BadRoute', 'Idle', 'Rug')),
    t_event timestamptz not null,
    "window" tstzrange not null,
    pct_dec numeric(38, 18) not null,
    missed_usd_dec numeric(38, 18),
    reachable_usd_dec numeric(38, 18),
    severity_dec numeric(38, 18) not null check (severity_dec between 0 and 1),
    sig_ref text not null,
    path_ref text not null,
    slot_ref bigint not null,
    version text not null,
    status text not null check (status in ('open', 'final')),
    price_source text not null,
    confidence_dec numeric(38, 18) not null check (confidence_dec between 0 and 1),
    explain_json jsonb not null,
    preview_png_url text,
    nft_minted boolean not null default false,
    nft_mint text
);
create index oof_moments_by_bucket on oof_moments (bucket);
create index oof_moments_by_wallet on oof_moments (wallet, t_event desc, id desc);
create index oof_moments_by_kind on oof_moments (kind, t_event desc, id desc);
create index oof_moments_by_time on oof_moments (t_event desc, id desc);
comment on column oof_moments.preview_png_url is 'the card; null again once what it shows has changed';
comment on column oof_moments.nft_minted is 'the user''s doing: survives that the moment is computed again';

create table minted_moments (
    id text primary key,
    nft_mint text
);
comment on table minted_moments is 'moments with an NFT that are not found any more: what the user did, for when they are found again';

create table wallet_extremes (
    wallet text primary key,
    bucket smallint not null check (bucket between 0 and 63),
    computed_at timestamptz not null,
    json jsonb not null
);
create index wallet_extremes_by_bucket on wallet_extremes (bucket);
comment on column wallet_extremes.computed_at is 'as of which instant of the chain, not when it was written';

create table position_buckets (
    bucket smallint primary key check (bucket between 0 and 63),
    sha256 text not null,
    inputs text not null,
    first_day date,
    last_day date,
    last_open_day date
);
comment on column position_buckets.sha256 is 'of the files whose rows are served, by dataset; empty while they are being replaced';
comment on column position_buckets.inputs is 'digest of all that the files were made of';
comment on column position_buckets.last_open_day is 'the last day whose prices a moment of the bucket may look at; null while something is held';

create table moment_buckets (
    bucket smallint primary key check (bucket between 0 and 63),
    sha256 text not null,
    inputs text not null,
    detector_versions text not null,
    as_of timestamptz not null
);
comment on column moment_buckets.sha256 is 'of the files whose rows are served, by dataset; empty while they are being replaced';
comment on column moment_buckets.inputs is 'digest of all that the files were made of';
