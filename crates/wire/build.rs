//! Compiles the schema of the frame without `protoc`, so that a build needs a Rust toolchain only.

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
