-- How far wallets are proven complete, and the token accounts that belong to them.
-- What was listed of a wallet and its token accounts, for good: a proven range says that every signature in it is here.
create table wallet_signatures (
    wallet text not null,
    signature text not null,
    slot bigint not null check (slot >= 0),
    is_settled boolean not null default false,
    primary key (wallet, signature)
);
create index wallet_signatures_by_slot on wallet_signatures (wallet, slot);
create index wallet_signatures_unsettled on wallet_signatures (wallet, slot desc, signature desc) where not is_settled;
comment on table wallet_signatures is 'signatures a node listed for a wallet or one of its token accounts';
comment on column wallet_signatures.is_settled is 'final here, and its token accounts are noted; what was refused is told by quarantine as it stands';

create table wallet_coverage (
    wallet text not null,
    account text not null,
    first_slot bigint not null check (first_slot >= 0),
    last_slot bigint not null,
    from_ts timestamptz not null,
    to_ts timestamptz not null,
    cursor_sig text,
    proven_at timestamptz not null default now(),
    primary key (wallet, account, first_slot),
    check (first_slot <= last_slot)
);
comment on table wallet_coverage is 'slots, both ends included, of which every signature of the account is known; ranges of one account never touch';
comment on column wallet_coverage.account is 'the wallet itself for its own listing, else one of its token accounts';
comment on column wallet_coverage.from_ts is 'whole from then on up to last_slot; 1970-01-01 where it is whole from the account''s first transaction on';
comment on column wallet_coverage.to_ts is 'block time of last_slot as the node said';
comment on column wallet_coverage.cursor_sig is 'the oldest signature in the range: a listing goes on behind it';

create table wallet_accounts (
    wallet text not null,
    account text not null,
    mint text not null,
    token_program text not null,
    found_by text not null check (found_by in ('node', 'balances')),
    is_signed boolean not null,
    first_slot bigint,
    found_at timestamptz not null default now(),
    primary key (wallet, account)
);
create index wallet_accounts_by_account on wallet_accounts (account);
comment on table wallet_accounts is 'token accounts that are or were a wallet''s; closed ones are known by the balances of recorded transactions';
comment on column wallet_accounts.is_signed is 'the wallet signed a transaction in which the account was its own: received alone may be spam';
comment on column wallet_accounts.first_slot is 'earliest stored slot that shows it; null where only the node''s state does';

create table wallet_listings (
    wallet text primary key,
    since_ts timestamptz not null,
    tip_slot bigint not null,
    seen_at timestamptz not null,
    is_complete boolean not null,
    history_begin_slot bigint not null,
    accounts integer not null check (accounts >= 0),
    left_out integer not null check (left_out between 0 and accounts)
);
comment on table wallet_listings is 'how the last listing of a wallet ended';
comment on column wallet_listings.since_ts is 'how far back it was asked to go; 1970-01-01 for ever';
comment on column wallet_listings.is_complete is 'nothing was left to do, as far as the node goes back (history_begin_slot)';
comment on column wallet_listings.left_out is 'token accounts that are known and were not listed, of accounts';

-- Spec 2 §3: how far the newest proven stretch of a wallet's own signatures goes, and where a deeper listing goes on.
create view wallet_cursors as
select distinct on (wallet) wallet, from_ts, to_ts, cursor_sig as last_cursor_sig
from wallet_coverage where account = wallet
order by wallet, last_slot desc;

-- ===== The coverage certificate of each wallet, replaced by each analysis of it. =====
create table coverage_certificates (
    wallet text primary key,
    as_of timestamptz not null,
    since timestamptz,
    last_slot bigint not null,
    proven_until timestamptz,
    listed_at timestamptz,
    is_complete boolean not null,
    reasons text[] not null,
    accounts_enumerated integer not null,
    accounts_proven integer not null check (accounts_proven between 0 and accounts_enumerated),
    accounts_left_out integer not null,
    accounts_found_by_balances integer not null,
    listed_transactions bigint not null,
    transactions bigint not null,
    failed_transactions bigint not null,
    waiting bigint not null,
    quarantined bigint not null,
    provisional bigint not null,
    undecoded_transactions bigint not null,
    unordered_transactions bigint not null,
    balance_gaps bigint not null,
    residual_transactions bigint not null,
    undecoded_program_transactions bigint not null,
    moved_lamports numeric(30, 0) not null,
    residual_lamports numeric(30, 0) not null,
    undecoded_lamports numeric(30, 0) not null,
    moved_usd numeric(38, 18) not null,
    residual_usd numeric(38, 18) not null,
    undecoded_usd numeric(38, 18) not null,
    unvalued_moves bigint not null,
    residual_share_of_lamports numeric(7, 6),
    residual_share_of_usd numeric(7, 6),
    undecoded_share_of_lamports numeric(7, 6),
    undecoded_share_of_usd numeric(7, 6),
    unknown_basis_share numeric(7, 6),
    unpriced_sales integer not null,
    mints_left_out text[] not null,
    listing_json jsonb not null,
    token_accounts_json jsonb not null,
    gaps_json jsonb not null,
    certified_at timestamptz not null default now(),
    check (is_complete = (cardinality(reasons) = 0))
);
comment on table coverage_certificates is 'what is proven of a wallet, and what is not: the one place that claims completeness';
comment on column coverage_certificates.since is 'how far back it was to go; null for the wallet''s first transaction';
comment on column coverage_certificates.reasons is 'what speaks against completeness, in words; none where it is complete';
comment on column coverage_certificates.listing_json is 'the proven slot ranges of the wallet''s own listing; token_accounts_json those of its accounts';
comment on column coverage_certificates.balance_gaps is 'places where an account''s balance is another than the transaction before left it';
comment on column coverage_certificates.gaps_json is 'slots that were to be listed and were not';
