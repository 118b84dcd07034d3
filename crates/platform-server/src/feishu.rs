//! Feishu's and Lark's server side: the bootstrap's answers, connection URLs, pongs, and events cut into data frames.

pub mod bootstrap;
mod data_frame;
mod data_frames;
mod pong;
mod socket_url;

pub use self::data_frame::FrameHead;
pub use self::data_frames::{DataFrames, cut};
pub use self::pong::write_pong;
pub use self::socket_url::SocketUrl;
