DROP TABLE journey;
DROP TABLE consumer_position;
DROP TABLE consumer;
