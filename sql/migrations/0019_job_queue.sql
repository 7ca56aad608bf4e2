-- Jobs: analyses that were asked for, their continuations, and what each has to say on its way (spec 2 §3, 0009).
create table job_queue (
    id           text primary key check (id ~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$'),
    kind         text not null check (kind <> ''),
    payload_json jsonb not null,
    run_after    timestamptz not null default now(),
    attempts     int not null default 0 check (attempts >= 0),
    max_attempts int not null default 5 check (max_attempts > 0),
    locked_by    text,
    locked_at    timestamptz,
    status       text not null default 'queued' check (status in ('queued', 'running', 'done', 'dead', 'cancelled')),
    created_at   timestamptz not null default now(),
    priority     int not null default 0,
    user_id      text,
    plan_code    text,
    parent_id    text references job_queue (id) on delete set null,
    dedupe_key   text,
    started_at   timestamptz,
    finished_at  timestamptz,
    last_error   text,
    result_json  jsonb,
    check ((status = 'running') = (locked_by is not null and locked_at is not null)),
    check ((status in ('done', 'dead', 'cancelled')) = (finished_at is not null))
);
create unique index job_queue_dedupe on job_queue (dedupe_key) where status in ('queued', 'running');
create index job_queue_claim on job_queue (priority desc, run_after, created_at, id) where status = 'queued';
create index job_queue_leases on job_queue (locked_at) where status = 'running';
create index job_queue_listing on job_queue (status, created_at desc, id desc);
create index job_queue_users on job_queue (user_id, created_at desc) where user_id is not null;
create index job_queue_chain on job_queue (parent_id) where parent_id is not null;
create index job_queue_finished on job_queue (finished_at) where finished_at is not null;
comment on column job_queue.id is 'a ULID: sorts by the time it was made';
comment on column job_queue.priority is 'the larger is claimed first (fast lane)';
comment on column job_queue.parent_id is 'the first job of a chain, of which this one is a continuation';
comment on column job_queue.dedupe_key is 'one unfinished job a key: whoever asks for the same gets that one';
comment on column job_queue.locked_at is 'when its worker was last heard of; older than the lease, the job is another worker''s';
comment on column job_queue.started_at is 'when it was claimed first';

create table job_events (
    job_id       text not null references job_queue (id) on delete cascade,
    seq          int not null check (seq > 0),
    at           timestamptz not null default clock_timestamp(),
    kind         text not null check (kind in ('progress', 'moment', 'partial', 'error', 'done', 'dead', 'cancelled')),
    payload_json jsonb not null,
    primary key (job_id, seq)
);
comment on table job_events is 'what a job says on its way, without gaps in seq; done, partial, dead and cancelled are last';

-- Who serves the queue. A worker that was killed leaves its row, whose seen_at tells.
create table job_workers (
    worker   text primary key,
    run_id   text,
    began_at timestamptz not null default now(),
    seen_at  timestamptz not null default now()
);
comment on column job_workers.run_id is 'the Dagster run that it is, null for a process of its own';

-- Nobody has to poll: 'oof_jobs' says that something is queued (payload: its kind), 'oof_job_events' that a job has
-- something to say (payload: its id).
create function notify_job_queued() returns trigger language plpgsql as $$
begin
    perform pg_notify('oof_jobs', new.kind);
    return null;
end
$$;
create trigger job_queue_inserted after insert on job_queue
    for each row when (new.status = 'queued') execute function notify_job_queued();
create trigger job_queue_queued_again after update of status on job_queue
    for each row when (new.status = 'queued' and old.status <> 'queued') execute function notify_job_queued();

create function notify_job_events() returns trigger language plpgsql as $$
begin
    -- The same payload twice in a transaction is sent once.
    perform pg_notify('oof_job_events', new.job_id);
    return null;
end
$$;
create trigger job_events_inserted after insert on job_events
    for each row execute function notify_job_events();
