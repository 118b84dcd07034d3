//! Programs of the official SDKs to compare with. Each holds many bots, and its handler only returns.
//!
//! They store nothing, so their figures are those of an ACK without a record. The caller finds interpreter and SDK, and
//! runs these texts with the platform's base URL and the number of bots as arguments.

/// For `node`, with the SDK on `NODE_PATH`.
pub const NODE_PROGRAM: &str = include_str!("../peers/node.cjs");

/// For the `python` of a virtual environment with the SDK.
pub const PYTHON_PROGRAM: &str = include_str!("../peers/python.py");

/// For `node`: one bot whose handler counts. The bot's id and a file with its secret are arguments; questions on standard input
/// are answered on standard output.
pub const NODE_APPLICATION: &str = include_str!("../peers/application.cjs");

/// The same for `python`.
pub const PYTHON_APPLICATION: &str = include_str!("../peers/application.py");
