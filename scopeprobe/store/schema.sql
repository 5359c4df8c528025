-- All runs of one output folder. Nothing secret is ever written here: no token, no credentials.
create table if not exists runs (
    id text primary key,
    started real not null,          -- epoch, seconds
    finished real,                  -- null while it runs, and after a crash
    digest text not null,           -- of the inputs that decide the questions
    strategy text not null,
    clients integer not null,
    cells integer not null,
    complete integer not null default 0,
    summary text                    -- summary.json of the run's last invocation
) strict;

create table if not exists facts (
    run text not null,
    client text not null,
    audience text not null,
    question blob not null,
    answer blob not null,
    sent integer not null,
    received integer not null,
    primary key (run, client, audience, question)
) strict, without rowid;

create table if not exists found (  -- equal maps of many nights are stored once
    run text not null,
    client text not null,
    map text not null,              -- digest of its findings
    primary key (run, client)
) strict, without rowid;

create table if not exists findings (map text primary key, cells blob not null) strict;

drop table if exists maps;

create table if not exists covers (
    run text not null,
    client text not null,
    audience text not null,
    sets blob not null,             -- scopes that were accepted together
    primary key (run, client, audience)
) strict;

create table if not exists pauses (quota text primary key, until real not null) strict;

create table if not exists spent (quota text not null, at real not null) strict;
create index if not exists spent_by_quota on spent (quota, at);
