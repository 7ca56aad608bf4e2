-- The feed's decoded rows until their day is folded, what folding left, and what was taken back.
create table hot_moves (
    sig text not null references tx_raw (sig) on delete cascade,
    seq integer not null,
    log_idx integer not null,
    path text not null,
    account text not null,
    owner text not null,
    asset text not null,
    delta_raw numeric(38, 0) not null,
    balance_raw numeric(38, 0),
    kind text not null,
    is_virtual boolean not null,
    primary key (sig, seq)
);

create table decoded_days (
    day date primary key,
    transactions integer not null,
    decoded integer not null,
    conserved integer not null,
    residual integer not null,
    moved_lamports numeric(30, 0) not null,
    residual_lamports numeric(30, 0) not null,
    actions_sha256 text not null,
    decoder_version text not null
);
comment on column decoded_days.decoder_version is 'digest of the decoder''s source: days of another one may come out otherwise';

create table wallet_slices (
    day date not null,
    bucket smallint not null check (bucket between 0 and 63),
    sha256 text not null,
    primary key (bucket, day)
);
comment on table wallet_slices is 'digest of a day''s actions of one wallet bucket: what the bucket''s file should hold';

create table wallet_bucket_contents (
    bucket smallint not null check (bucket between 0 and 63),
    day date not null,
    sha256 text not null,
    primary key (bucket, day)
);
comment on table wallet_bucket_contents is 'digest of each day''s slice that the bucket''s file does hold; '''' while it is being replaced';

create table corrections (
    id bigint generated always as identity primary key,
    sig text not null,
    slot bigint not null,
    reason text not null check (reason in ('vanished', 'moved_slot')),
    detail text not null,
    actions_removed integer not null,
    moves_removed integer not null,
    corrected_at timestamptz not null default now()
);
comment on table corrections is 'a provisional transaction taken back, and how much of what was derived from it went along';
create index corrections_by_sig on corrections (sig);
