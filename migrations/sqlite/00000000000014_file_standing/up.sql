-- How a bot stands to the configuration file where that is not plain from its row: `held` since an operator started or stopped
-- it against what the file says (`declared`, `run` or `stop`), `left` since the file no longer declares it.
CREATE TABLE file_standing (
    installation_id BIGINT PRIMARY KEY NOT NULL REFERENCES installation (id),
    standing TEXT NOT NULL,
    declared TEXT,
    since_ms BIGINT NOT NULL
);
