DROP TABLE event_index_page;
DROP TABLE event_index_run;
CREATE TABLE keyed_event (
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
INSERT INTO keyed_event SELECT * FROM event;
DROP TRIGGER event_newest_stays;
DROP TABLE event;
ALTER TABLE keyed_event RENAME TO event;
CREATE UNIQUE INDEX event_message_key ON event (message_key, installation_id)
WHERE message_key IS NOT NULL;
CREATE TRIGGER event_newest_stays BEFORE DELETE ON event
WHEN old.seq = (SELECT max(seq) FROM event)
BEGIN
    SELECT raise(ABORT, 'the newest event is never deleted');
END;
