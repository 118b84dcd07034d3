DROP TABLE taken_back;
ALTER TABLE installation DROP COLUMN claims;
ALTER TABLE installation DROP COLUMN displaced_ms;
