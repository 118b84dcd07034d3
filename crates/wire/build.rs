//! Compiles the envelope's schema without `protoc`, so that a Rust toolchain is all a build needs.

use std::error::Error;

const SCHEMA: &str = "../../proto/feishu_longconn.proto";
const SCHEMA_DIR: &str = "../../proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={SCHEMA}");
    let descriptors = protox::compile([SCHEMA], [SCHEMA_DIR])?;
    // Payloads as `Bytes`: decoding from `Bytes` then slices instead of copying.
    prost_build::Config::new()
        .bytes(["."])
        .compile_fds(descriptors)?;
    Ok(())
}
