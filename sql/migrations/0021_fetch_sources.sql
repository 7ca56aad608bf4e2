-- Who queued a signature: what is fetched for a wallet's history waits behind what happens now.
alter table fetch_queue drop constraint fetch_queue_source_check;
alter table fetch_queue add constraint fetch_queue_source_check
    check (source in ('socket', 'repair', 'reorg', 'webhook', 'account', 'backfill'));
create index fetch_queue_backfill on fetch_queue (signature) where source = 'backfill';
comment on column fetch_queue.source is 'who told of it; what is listed for a backfill is fetched by the backfill, not by the feed';
