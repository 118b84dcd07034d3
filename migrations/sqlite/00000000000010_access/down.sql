DROP TRIGGER audit_stays;
DROP TABLE audit;
DROP TABLE token;
ALTER TABLE installation DROP COLUMN space;
