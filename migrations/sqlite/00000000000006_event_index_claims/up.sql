-- Whether a run is asked for a key, and when it is forgotten, no longer depends on this host's time of day.
-- `claimed` has the half-days since 1970 in which the run's events say that they happened (8 bytes each, little
-- endian); NULL is any, as of the runs that are here already. `completed_ms` is `store.open_ms` when the run was
-- completed: those that are here already begin their time now.
ALTER TABLE event_index_run DROP COLUMN newest_ms;
ALTER TABLE event_index_run ADD COLUMN claimed BLOB;
ALTER TABLE event_index_run ADD COLUMN completed_ms BIGINT NOT NULL DEFAULT 0;
UPDATE event_index_run SET completed_ms = (SELECT open_ms FROM store);
