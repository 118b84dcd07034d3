ALTER TABLE event_index_run DROP COLUMN completed_ms;
ALTER TABLE event_index_run DROP COLUMN claimed;
ALTER TABLE event_index_run ADD COLUMN newest_ms BIGINT NOT NULL DEFAULT 0;
UPDATE event_index_run SET newest_ms = coalesce(
    (SELECT max(received_ms) FROM event WHERE seq BETWEEN first_seq AND through_seq),
    newest_ms
);
