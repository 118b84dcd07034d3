DROP TABLE user_authorization;
