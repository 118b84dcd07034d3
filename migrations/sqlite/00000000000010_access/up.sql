-- Who owns an installation.
ALTER TABLE installation ADD COLUMN space TEXT NOT NULL DEFAULT 'default';

-- Tokens. `digest` is the SHA-256 of the text, which is kept nowhere. `scopes` are names with a blank between them.
-- `installations` are the public ids that the token is narrowed to, 16 bytes each; NULL is all of its space.
CREATE TABLE token (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 10),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    name TEXT NOT NULL,
    space TEXT NOT NULL,
    scopes TEXT NOT NULL,
    installations BLOB,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT,
    revoked_ms BIGINT,
    last_used_ms BIGINT
);

-- Who changed what. An entry is never altered.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    at_ms BIGINT NOT NULL,
    token BLOB CHECK (length(token) = 10),
    name TEXT NOT NULL,
    space TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    result TEXT NOT NULL
);

CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
BEGIN
    SELECT raise(ABORT, 'an entry of the audit is never altered');
END;
