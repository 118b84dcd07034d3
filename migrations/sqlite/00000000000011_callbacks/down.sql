-- Earlier versions know no removal: what was removed is a stopped installation whose secret is empty, named by its id.
ALTER TABLE installation DROP COLUMN former_name;
ALTER TABLE installation DROP COLUMN removed_ms;
ALTER TABLE installation DROP COLUMN candidate_since_ms;
ALTER TABLE installation DROP COLUMN candidate_reason;
ALTER TABLE installation DROP COLUMN candidate_state;
ALTER TABLE installation DROP COLUMN candidate_revision;
ALTER TABLE installation DROP COLUMN candidate_secret;
ALTER TABLE installation DROP COLUMN proxy_revision;
ALTER TABLE installation DROP COLUMN secret_revision;
ALTER TABLE installation DROP COLUMN encrypt_key;
ALTER TABLE installation DROP COLUMN verification_token;
ALTER TABLE installation DROP COLUMN mode;
