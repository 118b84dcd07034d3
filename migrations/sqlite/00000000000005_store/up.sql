-- The database as a whole: one row. `identity` is random, so that a file which takes another's place is told from it,
-- and a copy of the same one is not. `open_ms` is how long a process has had the database open, in all; unlike the
-- time of day it never jumps.
CREATE TABLE store (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    identity BLOB NOT NULL CHECK (length(identity) = 16),
    open_ms BIGINT NOT NULL
);
INSERT INTO store (id, identity, open_ms) VALUES (1, randomblob(16), 0);
