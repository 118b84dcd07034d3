//! Stories: the real binary, real sockets, and a simulated platform that misbehaves. The name of each file is a
//! promise.

#![allow(clippy::too_many_lines, reason = "a story is told from top to bottom")]

mod an_endpoint_is_checked;
mod applications_receive_events;
mod bad_input;
mod callbacks_are_recorded;
mod callbacks_are_repeated_until_recorded;
mod callbacks_come_through_a_reverse_proxy;
mod callbacks_come_through_a_tunnel;
mod drain_answers_everything;
mod events_are_expanded;
mod every_row_of_the_error_tables;
mod five_failures_are_an_alarm;
mod installations_by_command;
mod nothing_secret_is_printed;
mod one_bots_trouble_is_its_own;
mod one_odd_answer_is_no_verdict;
mod one_platforms_trouble_is_its_own;
mod overload_is_bounded;
mod people_let_an_app_act;
mod programs_of_other_systems_run_unchanged;
mod repeats_are_recorded_once;
mod signals_are_served;
mod through_a_proxy;
mod too_few_open_files;
mod troubles_are_told_in_a_chat;
mod two_platforms_in_one_process;
mod uploads_arrive_or_say_why;
mod what_a_click_is_answered;
mod what_a_connection_survives;
mod what_a_listeners_client_may_hold;
mod what_a_wecom_connection_survives;
mod what_an_application_asks;
mod what_an_application_asks_of_wecom;
mod what_befalls_the_disk;
mod what_befalls_the_log;
mod what_is_shown_of_events;
mod what_only_a_new_process_mends;
mod what_wecom_sends_is_kept;
mod what_wecom_wrote_is_in_the_log;
mod when_the_clock_is_wrong;
mod who_has_the_store;
mod who_holds_a_wecom_bot;
mod who_may_ask;
mod whose_events_an_application_receives;
