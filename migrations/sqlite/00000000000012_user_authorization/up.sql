-- What people agreed to: the tokens with which an app acts for a person. `tokens` is sealed before it gets here, and gone of what
-- ended.
CREATE TABLE user_authorization (
    installation_id BIGINT NOT NULL REFERENCES installation (id),
    open_id TEXT NOT NULL,
    scopes TEXT NOT NULL,
    tokens TEXT,
    authorized_ms BIGINT NOT NULL,
    access_until_ms BIGINT NOT NULL,
    refresh_until_ms BIGINT,
    ended TEXT,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (installation_id, open_id)
);
