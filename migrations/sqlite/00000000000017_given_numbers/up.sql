-- Numbers up to this one may have been given to events that are not in the log: those that were recorded after the backup
-- from which it was restored. NULL means that there are none.
ALTER TABLE store ADD COLUMN given_seq BIGINT;
