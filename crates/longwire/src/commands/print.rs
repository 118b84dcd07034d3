//! `longwire print`: what is built in.

use std::io::Write as _;

use crate::cli::Print;
use crate::config::sample::SAMPLE;
use crate::exit::{Exit, Failure};

pub(crate) fn run(command: &Print) -> Result<Exit, Failure> {
    let text = match command {
        Print::Config => SAMPLE.to_owned(),
        Print::Openapi => longwire_api::openapi_document(env!("CARGO_PKG_VERSION")),
    };
    super::tell(std::io::stdout().write_all(text.as_bytes()))
}
