-- How much of every program is decoded, hour by hour, replaced with its day; and the discriminators that no layout declares.
create table decoded_by_program_hour (
    day date not null,
    hour_at timestamptz not null,
    program_id text not null,
    calls bigint not null,
    unknown_calls bigint not null check (unknown_calls between 0 and calls),
    unread_calls bigint not null check (unread_calls between 0 and calls),
    transactions bigint not null,
    residual_transactions bigint not null check (residual_transactions between 0 and transactions),
    moved_lamports numeric(30, 0) not null,
    residual_lamports numeric(30, 0) not null,
    primary key (hour_at, program_id)
);
create index decoded_by_program_hour_by_day on decoded_by_program_hour (day);
comment on column decoded_by_program_hour.calls is 'calls of a program we decode; 0 for one that we do not';
comment on column decoded_by_program_hour.unknown_calls is 'calls whose discriminator no layout declares';
comment on column decoded_by_program_hour.unread_calls is 'calls whose data or accounts did not fit their layout';
comment on column decoded_by_program_hour.transactions is 'transactions that this program leads, whether we decode it or not';

create table unknown_discriminators (
    day date not null,
    hour_at timestamptz not null,
    program_id text not null,
    discriminator text not null,
    calls bigint not null check (calls > 0),
    first_sig text not null,
    primary key (hour_at, program_id, discriminator)
);
create index unknown_discriminators_by_day on unknown_discriminators (day);
comment on column unknown_discriminators.discriminator is 'hex; ''other'' sums up those beyond the first few of an hour';
