-- What applications want delivered. `definition` is JSON of whoever runs the consumers. `secret` and `former_secret` are
-- sealed before they get here; webhooks are signed with the former one too until `former_until_ms`. `revision` is numbered
-- together with the installations, in `store.revision`.
CREATE TABLE consumer (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    public_id BLOB NOT NULL UNIQUE CHECK (length(public_id) = 16),
    space TEXT NOT NULL,
    name TEXT NOT NULL,
    definition TEXT NOT NULL,
    secret TEXT,
    former_secret TEXT,
    former_until_ms BIGINT,
    state TEXT NOT NULL,
    state_reason TEXT,
    state_since_ms BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    UNIQUE (space, name)
);

-- How far each consumer has come. Written again and again, so in a table of its own with short rows.
CREATE TABLE consumer_position (
    consumer_id INTEGER PRIMARY KEY NOT NULL REFERENCES consumer (id),
    floor BIGINT NOT NULL,
    state BLOB NOT NULL,
    updated_ms BIGINT NOT NULL
);

-- What happened to events after they were recorded: many steps in a row, packed. The steps are of the events from
-- `first_seq` to `last_seq`, which are less than 4,096 apart. A consumer of NULL is of steps that no consumer has a part in.
CREATE TABLE journey (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    consumer_id BIGINT REFERENCES consumer (id),
    first_seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    steps BLOB NOT NULL
);

CREATE INDEX journey_event ON journey (last_seq, first_seq);
CREATE INDEX journey_consumer ON journey (consumer_id, id);
