-- The plans of oof_pipelines/config/plans.yaml, given as a JSON array. Plans that are no longer there stay, since users may
-- have them.
insert into plans (code, price_usd_dec, daily_wallets, backfill_days, cadence, alerts, api_rows, perks_json)
select code, price_usd_dec, daily_wallets, backfill_days, cadence, alerts, api_rows, perks_json
from jsonb_to_recordset(%(plans)s::jsonb) as told (
    code text, price_usd_dec numeric(10, 2), daily_wallets integer, backfill_days integer, cadence text, alerts integer,
    api_rows bigint, perks_json jsonb
)
on conflict (code) do update set
    price_usd_dec = excluded.price_usd_dec, daily_wallets = excluded.daily_wallets,
    backfill_days = excluded.backfill_days, cadence = excluded.cadence, alerts = excluded.alerts,
    api_rows = excluded.api_rows, perks_json = excluded.perks_json
where (plans.*) is distinct from (excluded.*)
