-- Why a queued signature was put off, counted apart, and the stretches that no node could prove complete.
alter table fetch_queue add column empty_answers integer not null default 0;
alter table fetch_queue add column refusals integer not null default 0;
comment on column fetch_queue.attempts is 'how often it was put off, for whatever reason';
comment on column fetch_queue.empty_answers is 'how often a node answered that it has no such transaction';
comment on column fetch_queue.refusals is 'how often every endpoint refused this signature; an outage counts in attempts alone';

create table feed_gaps (
    target text not null,
    first_slot bigint not null,
    last_slot bigint not null check (last_slot >= first_slot),
    reason text not null,
    noticed_at timestamptz not null default now(),
    primary key (target, first_slot)
);
comment on table feed_gaps is 'slots before a checkpoint of which it is not proven that nothing is missing; closed by a node with a longer history';
