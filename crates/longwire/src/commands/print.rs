//! `longwire print`: what is built in, and the certificate authority of this gateway.

mod completions;
mod man;
mod messages;
mod unit;

use std::io::Write as _;
use std::path::Path;

use crate::certificates::{Authority, CertificateFailure, authority_path};
use crate::cli::Print;
use crate::config::sample;
use crate::config::{ApiTls, Loaded};
use crate::exit::{Exit, Failure};

pub(crate) fn run(config: Option<&Path>, command: &Print) -> Result<Exit, Failure> {
    let text = match command {
        Print::Config { service: false } => sample::SAMPLE.to_owned(),
        Print::Config { service: true } => sample::for_service(),
        Print::Openapi => longwire_api::openapi_document(env!("CARGO_PKG_VERSION")),
        Print::Messages { output } => messages::text(output.output),
        Print::Ca => authority(&Loaded::read(config)?)?,
        Print::Completions { shell } => completions::script(*shell),
        Print::Man { directory: None } => man::main_page(),
        Print::Man {
            directory: Some(directory),
        } => {
            man::write_all(directory)?;
            return Ok(Exit::Done);
        }
        Print::Unit { binary } => unit::text(binary.as_deref())?,
    };
    super::tell(std::io::stdout().write_all(text.as_bytes()))
}

/// What clients are to trust. It may be asked for before the first start.
fn authority(loaded: &Loaded) -> Result<String, Failure> {
    match loaded.config.api.tls {
        Some(ApiTls::SelfSigned) => {}
        Some(ApiTls::Files(_)) => {
            let why = "the certificate of api.tls is yours, and so is its authority: longwire has none of its own";
            return Err(Failure::Usage(why.to_owned()));
        }
        None => {
            let why = "there is no certificate authority: set `tls = \"self-signed\"` in [api]";
            return Err(Failure::Usage(why.to_owned()));
        }
    }
    let authority = authority_path(loaded).and_then(|path| Authority::open_or_make(&path));
    let authority = authority.map_err(CertificateFailure::from)?;
    Ok(authority.pem().to_owned())
}
