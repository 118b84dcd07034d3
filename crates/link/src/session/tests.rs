//! Both machines over whole lives: without a socket, an actor, a store or a clock.

mod day;
mod feishu;
mod wecom;
mod world;
