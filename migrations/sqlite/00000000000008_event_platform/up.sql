-- The platform that an event came from: 1 is Feishu, 2 Lark, 3 WeCom. An installation may move to another platform, and its
-- events stay what they were. NULL is that of the installation, in rows of earlier versions.
ALTER TABLE event ADD COLUMN platform SMALLINT;

-- Events of our own that belong to no installation refer to this row. No query shows it, and as an installation's name is
-- never empty, nobody has this one.
INSERT INTO installation
    (id, public_id, name, platform, app_id, secret, desired, origin, created_ms, updated_ms, revision)
VALUES (0, zeroblob(16), '', '', '', '', 'stop', 'cli', 0, 0, -1);
