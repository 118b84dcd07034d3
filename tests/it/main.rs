//! Stories: the real binary, real sockets, and a simulated platform that misbehaves. Each file's name is a promise.

mod bad_input;
mod drain_answers_everything;
mod every_row_of_the_error_tables;
mod installations_by_command;
mod nothing_secret_is_printed;
mod one_bots_trouble_is_its_own;
mod overload_is_bounded;
#[path = "../../crates/egress/tests/support/proxy.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the tests of egress")]
mod proxy;
mod repeats_are_recorded_once;
mod through_a_proxy;
mod two_platforms_in_one_process;
mod uploads_arrive_or_say_why;
mod what_a_connection_survives;
mod what_a_wecom_connection_survives;
mod what_an_application_asks_of_wecom;
mod what_befalls_the_disk;
mod what_wecom_sends_is_kept;
mod what_wecom_wrote_is_in_the_log;
mod who_holds_a_wecom_bot;
