-- Hints of a webhook are fetched last: what is due is read in two halves, each in the order of its own index.
create index fetch_queue_told on fetch_queue (not_before, slot, signature) where source not in ('backfill', 'webhook');
create index fetch_queue_hinted on fetch_queue (not_before, slot, signature) where source = 'webhook';
drop index fetch_queue_due;

create table webhook_refusals (
    minute_at timestamptz not null,
    reason text not null check (reason in ('queue_full', 'busy', 'database', 'stopping')),
    requests bigint not null check (requests > 0),
    hints bigint not null check (hints >= 0),
    primary key (minute_at, reason)
);
comment on table webhook_refusals is 'authenticated webhook requests answered with 503, by minute: a sender that gave up left a gap then';
comment on column webhook_refusals.hints is 'hints in them, 0 where the body was not read; those a later delivery brought again count too';
