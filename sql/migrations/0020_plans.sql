-- Plans, who has which, what was used today, and which wallets are looked at by schedule (spec 2 §3, 0008).
create table plans (
    code text primary key,
    price_usd_dec numeric(10, 2) not null check (price_usd_dec >= 0),
    daily_wallets integer not null check (daily_wallets >= 0),
    backfill_days integer not null check (backfill_days between 1 and 730),
    cadence text not null check (cadence in ('manual', 'weekly', 'daily')),
    alerts integer not null check (alerts >= 0),
    api_rows bigint not null check (api_rows >= 0),
    perks_json jsonb not null default '{}'
);
comment on table plans is 'filled by sql/seed/plans.sql from oof_pipelines/config/plans.yaml';
comment on column plans.perks_json is 'priority, card_mint_fee_usd, and the ceilings of one run';

create table user_plans (
    user_id text not null check (user_id <> ''),
    plan_code text not null references plans (code),
    started_at timestamptz not null,
    expires_at timestamptz,
    primary key (user_id, plan_code),
    check (expires_at is null or expires_at > started_at)
);
comment on column user_plans.expires_at is 'null for ever; who has no plan that runs has FREE';

create table policy_state (
    user_id text primary key check (user_id <> ''),
    analyses_today integer not null default 0 check (analyses_today >= 0),
    last_reset_at timestamptz not null
);
comment on column policy_state.analyses_today is 'wallets asked for since last_reset_at, a midnight in UTC; of an older day it counts as 0';

create table user_wallets (
    user_id text not null check (user_id <> ''),
    wallet text not null,
    linked_at timestamptz not null,
    primary key (user_id, wallet)
);
create unique index user_wallets_by_wallet on user_wallets (wallet);
comment on table user_wallets is 'wallets that are a user''s own: what they have staked gives him boosts. A user_id that is an address is his own too';

create table watched_wallets (
    user_id text not null check (user_id <> ''),
    wallet text not null,
    added_at timestamptz not null,
    last_requested_at timestamptz,
    primary key (user_id, wallet)
);
create index watched_wallets_due on watched_wallets (last_requested_at nulls first);
comment on table watched_wallets is 'wallets that are analysed by themselves, as often as the user''s plan says';
