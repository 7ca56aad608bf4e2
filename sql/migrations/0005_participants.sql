-- Who took part in what, with their roles (spec 2, 0003).
create table participants (
    sig text not null references tx_raw (sig) on delete cascade,
    wallet text not null,
    roles text[] not null,
    primary key (sig, wallet)
);
create index participants_by_wallet on participants (wallet, sig);
