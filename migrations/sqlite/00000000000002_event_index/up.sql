-- Repeats are known by an index of our own that is written in order. The unique key of `event` goes, and SQLite
-- takes a table's constraint away only with the table.
CREATE TABLE keyless_event (
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
    payload BLOB NOT NULL
);
INSERT INTO keyless_event SELECT * FROM event;
DROP TRIGGER event_newest_stays;
DROP TABLE event;
ALTER TABLE keyless_event RENAME TO event;
CREATE UNIQUE INDEX event_message_key ON event (message_key, installation_id)
WHERE message_key IS NOT NULL;
CREATE TRIGGER event_newest_stays BEFORE DELETE ON event
WHEN old.seq = (SELECT max(seq) FROM event)
BEGIN
    SELECT raise(ABORT, 'the newest event is never deleted');
END;

-- Which events of the log are known by which key: derived from `event`, written in order, read when a
-- key is looked up that the newest events do not have. The keys of a run lie on its pages (id = 512
-- times the run plus the first nine bits of the keys), as entries of 20 bytes: the key with its
-- installation mixed in, and the distance from `first_seq`.
CREATE TABLE event_index_run (
    id INTEGER PRIMARY KEY NOT NULL,
    first_seq BIGINT NOT NULL,
    through_seq BIGINT NOT NULL,
    newest_ms BIGINT NOT NULL,
    filter BLOB NOT NULL
);
CREATE TABLE event_index_page (
    id INTEGER PRIMARY KEY NOT NULL,
    keys BLOB NOT NULL
);
