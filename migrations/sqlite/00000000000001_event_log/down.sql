DROP TABLE probe;
DROP TABLE timeline;
DROP TRIGGER event_newest_stays;
DROP TABLE event;
DROP TABLE installation;
