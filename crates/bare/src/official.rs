//! The official SDKs as peers: programs that hold many bots and whose handler does nothing but return.
//!
//! They store nothing, so what they reach is what an ACK without a record is worth. Interpreter and SDK are the
//! caller's to find; these are the texts to run, with the platform's base URL and the number of bots as arguments.

/// For `node`, with the SDK on `NODE_PATH`.
pub const NODE_PROGRAM: &str = include_str!("../peers/node.cjs");

/// For the `python` of a virtual environment with the SDK.
pub const PYTHON_PROGRAM: &str = include_str!("../peers/python.py");
