ALTER TABLE store DROP COLUMN given_seq;
