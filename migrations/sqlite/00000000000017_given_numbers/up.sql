-- Numbers behind `after_seq`, up to `through_seq`, that are given to no event: the log was restored from a backup whose newest
-- event was `after_seq`, and the log that was lost may have given them.
CREATE TABLE number_gap (
    after_seq INTEGER PRIMARY KEY NOT NULL,
    through_seq BIGINT NOT NULL
);
