-- All runs of one output folder. Nothing secret is ever written here: no token, no credentials.
-- A change of this layout needs a step in migrations.py.
create table runs (
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

create table facts (                -- of runs that may still be resumed
    run text not null,
    client text not null,
    audience text not null,
    question blob not null,
    answer blob not null,
    sent integer not null,
    received integer not null,
    primary key (run, client, audience, question)
) strict, without rowid;

create table failures (             -- requests in a row that may have failed to authenticate
    run text not null,              -- or `explain ` and when an explanation began (epoch)
    registration text not null,     -- address of the token endpoint, and client_id
    count integer not null,         -- those that were in the air are in it
    primary key (run, registration)
) strict, without rowid;

create table last_successes (       -- what a client was issued a token for last in a run
    run text not null,
    client text not null,
    audience text not null,
    question blob not null,
    needs_scope integer not null,  -- without scope it got none
    primary key (run, client, audience)
) strict, without rowid;

create table maps_of_runs (         -- which permission map a run found for a client
    run text not null,
    client text not null,
    map text not null,
    registration blob,              -- what the server said of the client's end; null: nothing
    primary key (run, client)
) strict, without rowid;

create table permission_maps (      -- equal maps of several runs are stored once
    map text primary key,           -- digest of its cells
    cells blob not null             -- packed: scopeprobe/model/packed.py
) strict;

create table written_files (        -- permission maps of clients that runs of this folder wrote
    file text primary key,
    digest text not null            -- of its content; empty: it was not kept yet
) strict, without rowid;

create table accepted_sets (
    run text not null,
    client text not null,
    audience text not null,
    sets blob not null,             -- scopes that were accepted together
    primary key (run, client, audience)
) strict;

create table pauses (               -- rate groups that are to be left alone for a while
    quota text primary key,
    until real not null             -- epoch, seconds
) strict;

create table used_permits (         -- one row a request that counts against a quota
    quota text not null,
    at real not null                -- epoch, seconds
) strict;

create index used_permits_by_quota on used_permits (quota, at);
