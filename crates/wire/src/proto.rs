//! The messages generated from `proto/feishu_longconn.proto`.

include!(concat!(env!("OUT_DIR"), "/longwire.feishu.rs"));
