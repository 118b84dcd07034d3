-- What is left of the payload of an event. NULL: all of it. 1: `payload` is its SHA-256 and its length (32 bytes, then 8 bytes,
-- little endian). 2: it was erased at the request of a person; `payload` is when, in milliseconds since 1970 (8 bytes, little
-- endian). 3: retention took it; the row stays for the keys that its repeats are known by.
ALTER TABLE event ADD COLUMN kept SMALLINT;

-- How far retention has come: one row. Of every event up to `gone_through` nothing but keys is left; of every event up to
-- `deleted_through` nothing is left. `events` and `bytes` count what was taken since the database was made.
CREATE TABLE retention (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    gone_through BIGINT NOT NULL,
    deleted_through BIGINT NOT NULL,
    events BIGINT NOT NULL,
    bytes BIGINT NOT NULL
);
INSERT INTO retention (id, gone_through, deleted_through, events, bytes) VALUES (1, 0, 0, 0, 0);

-- The newest event at some times, which are counted like `store.open_ms`: how old an event is at least, by a clock that nobody
-- sets. The keys of an event are kept as long as its repeats may come.
CREATE TABLE retention_mark (
    open_ms INTEGER PRIMARY KEY NOT NULL,
    through_seq BIGINT NOT NULL
);

-- What is kept of the events of one installation, where that differs from all others. NULL is no bound of its own. `payload` is
-- `full`, or `hash` for events whose payload is replaced by its hash once it is delivered. The events of such installations are
-- listed in `listed_event` up to `listed_through`; their payloads are hashed up to `hashed_through`.
CREATE TABLE installation_retention (
    installation_id INTEGER PRIMARY KEY NOT NULL REFERENCES installation (id),
    keep_ms BIGINT,
    keep_bytes BIGINT,
    keep_events BIGINT,
    payload TEXT NOT NULL,
    listed_through BIGINT NOT NULL,
    hashed_through BIGINT NOT NULL,
    events BIGINT NOT NULL,
    bytes BIGINT NOT NULL
);
CREATE TABLE listed_event (
    installation_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    received_ms BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (installation_id, seq)
) WITHOUT ROWID;

-- Installations that were removed, and the newest event when that was seen: behind it none is theirs. The row of an installation
-- goes when its events are gone.
CREATE TABLE removed_installation (
    installation_id INTEGER PRIMARY KEY NOT NULL REFERENCES installation (id),
    through_seq BIGINT NOT NULL
);
