-- By which road the events of an installation come: `long_connection`, `webhook` or `both`. What earlier versions kept was
-- connected, and stays so.
ALTER TABLE installation ADD COLUMN mode TEXT NOT NULL DEFAULT 'long_connection';

-- What callbacks are checked and decrypted with. Sealed before they get here, as `secret` and `proxy` are.
ALTER TABLE installation ADD COLUMN verification_token TEXT;
ALTER TABLE installation ADD COLUMN encrypt_key TEXT;

-- The changes, by their number, with which the secret and the proxy were set. A ciphertext does not tell: it is another one
-- when the same secret is sealed again.
ALTER TABLE installation ADD COLUMN secret_revision BIGINT NOT NULL DEFAULT 0;
ALTER TABLE installation ADD COLUMN proxy_revision BIGINT NOT NULL DEFAULT 0;

-- A new secret that the platform has not taken yet: sealed, the number of the change with which it came, its state and since
-- when it is in it. `waiting`, or `refused` for a reason; of a refused one the text is gone.
ALTER TABLE installation ADD COLUMN candidate_secret TEXT;
ALTER TABLE installation ADD COLUMN candidate_revision BIGINT;
ALTER TABLE installation ADD COLUMN candidate_state TEXT;
ALTER TABLE installation ADD COLUMN candidate_reason TEXT;
ALTER TABLE installation ADD COLUMN candidate_since_ms BIGINT;

-- When the installation was removed. Its row stays for its events. Its secrets are wiped, and its name is free again: `name`
-- is its public id then, which nobody can choose, and `former_name` what it was called.
ALTER TABLE installation ADD COLUMN removed_ms BIGINT;
ALTER TABLE installation ADD COLUMN former_name TEXT;
