ALTER TABLE installation DROP COLUMN take_back_per_day;
ALTER TABLE installation DROP COLUMN take_back_after_ms;
