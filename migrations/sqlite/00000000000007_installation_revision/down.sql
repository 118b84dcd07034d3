DROP INDEX installation_revision;
ALTER TABLE installation DROP COLUMN revision;
ALTER TABLE store DROP COLUMN revision;
