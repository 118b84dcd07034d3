DROP TABLE probe;
DROP TABLE timeline;
DROP TRIGGER event_newest_stays;
DROP TABLE event_index_page;
DROP TABLE event_index_run;
DROP TABLE event;
DROP TABLE installation;
