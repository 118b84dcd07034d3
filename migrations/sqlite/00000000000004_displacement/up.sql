-- Since when another client has the bot, in milliseconds since 1970: a restart leaves the bot to it.
ALTER TABLE installation ADD COLUMN displaced_ms BIGINT;
-- How often an operator decided that the bot is this installation's, whoever else has it. What was seen of another
-- client before the latest decision does not count any more.
ALTER TABLE installation ADD COLUMN claims BIGINT NOT NULL DEFAULT 0;

-- When a bot was taken back from another client by itself, within the last 24 hours.
CREATE TABLE taken_back (
    installation_id BIGINT NOT NULL REFERENCES installation (id),
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (installation_id, at_ms)
);
