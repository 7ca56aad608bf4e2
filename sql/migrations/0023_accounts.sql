-- What accounts say by themselves: pools, mints, balances, as a source of accounts tells their changes; and the events that
-- programs of our own emit.

create table account_updates (
    pubkey text not null,
    slot bigint not null,
    write_version bigint not null,
    owner text not null,
    lamports numeric(20, 0) not null,
    kind text not null check (kind in ('pool', 'mint', 'token_account', 'wallet', 'closed')),
    facts jsonb not null,
    state_sha256 text not null,
    signature text not null,
    ts timestamptz not null,
    is_block_time_estimated boolean not null,
    is_startup boolean not null,
    is_final boolean not null,
    heard_at timestamptz not null default now(),
    primary key (pubkey, slot, write_version)
);
comment on table account_updates is 'a row a change of an account; the newest of an account is what it is now';
comment on column account_updates.write_version is 'of two writes in one slot the greater is the later one';
comment on column account_updates.facts is 'what the data say (decode/accounts/facts.py); amounts are strings';
comment on column account_updates.state_sha256 is 'of owner and facts: rows that repeat the one before are dropped once final';
comment on column account_updates.signature is 'the transaction that wrote it, empty where nobody said';
comment on column account_updates.is_startup is 'was there before anybody listened; slot is when it was last written';
create index account_updates_by_kind on account_updates (kind, pubkey, slot desc, write_version desc);
create index account_updates_provisional on account_updates (slot) where not is_final;
create index account_updates_by_time on account_updates (ts) where kind <> 'mint' and is_final;
create index account_updates_by_vault_a on account_updates ((facts ->> 'vault_a')) where kind = 'pool';
create index account_updates_by_vault_b on account_updates ((facts ->> 'vault_b')) where kind = 'pool';
create index account_updates_by_mint_a on account_updates ((facts ->> 'mint_a')) where kind = 'pool';
create index account_updates_by_mint_b on account_updates ((facts ->> 'mint_b')) where kind = 'pool';

-- The events of market/from_accounts.py in the columns of market_events: `pool_created` once a pool, with the first change
-- of it that is kept. They go with the change they were read off.
create table account_events (
    pubkey text not null,
    slot bigint not null,
    write_version bigint not null,
    like hot_market_events,
    foreign key (pubkey, slot, write_version) references account_updates on delete cascade,
    primary key (pubkey, slot, write_version, kind, ordinal)
);
alter table account_events drop column sig;
create index account_events_by_pool on account_events (pool, kind, slot, write_version);
create index account_events_by_mint on account_events (mint, kind, slot);

create table account_corrections (
    slot bigint primary key,
    updates_removed integer not null,
    corrected_at timestamptz not null default now()
);
comment on table account_corrections is 'slots that did not become final, with how many changes of accounts went with them';

-- What is there now. A view over the newest change of each account, so that taking a change back takes it from here as well.
create view account_states as
select distinct on (kind, pubkey) *
from account_updates
order by kind, pubkey, slot desc, write_version desc;

create view pools as
select pubkey as pool,
       facts ->> 'venue' as venue,
       owner as program_id,
       nullif(facts ->> 'mint_a', '') as mint_a,
       facts ->> 'mint_b' as mint_b,
       nullif(facts ->> 'vault_a', '') as vault_a,
       nullif(facts ->> 'vault_b', '') as vault_b,
       (facts ->> 'decimals_a')::smallint as decimals_a,
       (facts ->> 'decimals_b')::smallint as decimals_b,
       facts ->> 'lp_mint' as lp_mint,
       facts ->> 'creator' as creator,
       facts ->> 'config' as config,
       (facts ->> 'status')::bigint as status,
       (facts ->> 'is_complete')::boolean as is_complete,
       (facts ->> 'fee_ppm')::bigint as fee_ppm,
       (facts ->> 'owed_a_raw')::numeric as owed_a_raw,
       (facts ->> 'owed_b_raw')::numeric as owed_b_raw,
       (facts ->> 'virtual_a_raw')::numeric as virtual_a_raw,
       (facts ->> 'virtual_b_raw')::numeric as virtual_b_raw,
       (facts ->> 'real_a_raw')::numeric as real_a_raw,
       (facts ->> 'real_b_raw')::numeric as real_b_raw,
       (facts ->> 'liquidity_raw')::numeric as liquidity_raw,
       (facts ->> 'price_x64')::numeric as price_x64,
       (facts ->> 'tick')::integer as tick,
       (facts ->> 'step')::integer as step,
       (facts ->> 'supply_raw')::numeric as supply_raw,
       slot, write_version, ts, is_final
from account_states
where kind = 'pool';
comment on view pools is 'every pool whose account was heard, as it is now; sides a and b are in the program''s own order';

create view token_mints as
select pubkey as mint,
       owner as token_program,
       (facts ->> 'decimals')::smallint as decimals,
       (facts ->> 'supply_raw')::numeric as supply_raw,
       facts ->> 'mint_authority' as mint_authority,
       facts ->> 'freeze_authority' as freeze_authority,
       array(select jsonb_array_elements_text(facts -> 'extensions')) as extensions,
       (facts ->> 'transfer_fee_bps')::integer as transfer_fee_bps,
       (facts ->> 'most_transfer_fee_raw')::numeric as most_transfer_fee_raw,
       (facts ->> 'fee_from_epoch')::numeric as fee_from_epoch,
       (facts ->> 'older_fee_bps')::integer as older_fee_bps,
       facts ->> 'permanent_delegate' as permanent_delegate,
       facts ->> 'close_authority' as close_authority,
       facts ->> 'hook_program' as hook_program,
       facts ->> 'default_state' as default_state,
       (facts ->> 'is_paused')::boolean as is_paused,
       facts ->> 'name' as name,
       facts ->> 'symbol' as symbol,
       facts ->> 'uri' as uri,
       slot, write_version, ts, is_final
from account_states
where kind = 'mint';
comment on view token_mints is 'every mint whose account was heard, as it is now; an authority is empty where there is none';

create view account_balances as
select distinct on (pubkey)
       pubkey as account,
       kind,
       case kind when 'token_account' then facts ->> 'owner' else pubkey end as wallet,
       case kind when 'token_account' then facts ->> 'mint' end as mint,
       case kind when 'token_account' then (facts ->> 'amount_raw')::numeric when 'closed' then 0 else lamports end
           as balance_raw,
       slot, write_version, ts, is_final
from account_updates
where kind in ('token_account', 'wallet', 'closed')
order by pubkey, slot desc, write_version desc;
comment on view account_balances is 'what watched wallets and vaults hold; mint is null for SOL, and where the account is gone';

-- Events of configured programs, as the feed read them off each transaction, until its day is folded.
create table hot_anchor_events (
    sig text not null references tx_raw (sig) on delete cascade,
    log_idx integer not null,
    path text not null,
    ordinal integer not null,
    action_id text not null,
    program_id text not null,
    wallet text not null,
    source text not null,
    discriminator text not null,
    data_base64 text not null,
    primary key (sig, path, ordinal)
);
comment on column hot_anchor_events.source is 'log: emitted into the log; call: told by a call of the program to itself';
comment on column hot_anchor_events.discriminator is 'the first eight bytes of sha256("event:Name"), in hex';

-- Which coin a pump.fun curve is of its account does not say, the launch does.
create index token_events_by_pool on token_events (pool) where pool <> '';
create index hot_token_events_by_pool on hot_token_events (pool) where pool <> '';
