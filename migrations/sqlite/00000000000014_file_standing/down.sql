DROP TABLE file_standing;
