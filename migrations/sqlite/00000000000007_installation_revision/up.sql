-- The changes of all installations, numbered in the order in which they are made: `store.revision` is the latest number,
-- `installation.revision` that of the row's own latest change. `updated_ms` is a date for people: a clock may be set
-- back, and two changes may fall into one millisecond.
ALTER TABLE store ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
ALTER TABLE installation ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
UPDATE installation SET revision = id;
UPDATE store SET revision = (SELECT coalesce(max(id), 0) FROM installation);
CREATE UNIQUE INDEX installation_revision ON installation (revision);
