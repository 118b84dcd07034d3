-- Whether a WeCom bot whose connection another client took takes it back: both are set, or neither is.
ALTER TABLE installation ADD COLUMN take_back_after_ms BIGINT;
ALTER TABLE installation ADD COLUMN take_back_per_day INTEGER;
