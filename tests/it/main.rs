//! Stories: the real binary, real sockets, and a simulated platform that misbehaves. Each file's name is a promise.

mod drain_answers_everything;
mod every_row_of_the_error_tables;
mod repeats_are_recorded_once;
mod what_a_connection_survives;
