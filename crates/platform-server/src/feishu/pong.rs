//! The answer to an application ping.

use longwire_wire::frame::key;

use super::FrameHead;

/// Appends a pong as one binary message. `config_json` is a `ClientConfig` with all four members, or nothing: the SDKs take
/// a missing member as zero.
pub fn write_pong(out: &mut Vec<u8>, service: i32, config_json: Option<&[u8]>) {
    let headers = [(key::TYPE, "pong")];
    let head = FrameHead::control(service, &headers);
    match config_json {
        Some(config) => head.write(out, config.len(), |out| out.extend_from_slice(config)),
        None => head.write_bare(out),
    }
}
