DROP TABLE number_gap;
