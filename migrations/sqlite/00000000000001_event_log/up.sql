-- One bot of one platform app. `secret` and `proxy` are sealed before they get here.
CREATE TABLE installation (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    public_id BLOB NOT NULL UNIQUE CHECK (length(public_id) = 16),
    name TEXT NOT NULL UNIQUE,
    platform TEXT NOT NULL,
    app_id TEXT NOT NULL,
    secret TEXT NOT NULL,
    base_url TEXT,
    proxy TEXT,
    desired TEXT NOT NULL,
    origin TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL
);

-- The log: append-only, one sequence per database, the platform's bytes untouched in `payload`.
-- An event type of NULL marks a payload that could not be read.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY NOT NULL,
    installation_id BIGINT NOT NULL REFERENCES installation (id),
    event_key BLOB NOT NULL CHECK (length(event_key) = 16),
    message_key BLOB CHECK (length(message_key) = 16),
    event_id TEXT,
    event_type TEXT,
    chat TEXT,
    source TEXT NOT NULL,
    received_ms BIGINT NOT NULL,
    created_ms BIGINT,
    trace_id TEXT,
    repeats BIGINT NOT NULL DEFAULT 0,
    last_repeat_ms BIGINT,
    payload BLOB NOT NULL,
    UNIQUE (installation_id, event_key)
);

-- The key first: it begins with the message's time, so new entries of all installations go to the same few pages.
CREATE UNIQUE INDEX event_message_key ON event (message_key, installation_id)
WHERE message_key IS NOT NULL;

-- The next sequence number is the highest one plus one. While the newest row stays, whatever is
-- pruned, no number is given twice and no cursor can skip an event.
CREATE TRIGGER event_newest_stays BEFORE DELETE ON event
WHEN old.seq = (SELECT max(seq) FROM event)
BEGIN
    SELECT raise(ABORT, 'the newest event is never deleted');
END;

-- What happened to an installation's connection; the newest thousand of each.
CREATE TABLE timeline (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    installation_id BIGINT NOT NULL REFERENCES installation (id),
    at_ms BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL
);

CREATE INDEX timeline_installation ON timeline (installation_id, id);

-- What a degraded writer writes, and takes away again, to learn whether the disk takes it.
CREATE TABLE probe (
    id INTEGER PRIMARY KEY NOT NULL,
    filler BLOB NOT NULL
);
