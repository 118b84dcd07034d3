//! `longwire probe`: whether the running server lives. For supervisors that have no shell and no HTTP client at hand.

use std::path::Path;

use longwire_terminal::{escaped, say};
use url::Url;

use crate::client::{self, ask};
use crate::config::Loaded;
use crate::exit::{Exit, Failure};

pub(crate) fn run(config: Option<&Path>, admin_url: Option<&Url>) -> Result<Exit, Failure> {
    let loaded = Loaded::read(config)?;
    match ask(client::probe(&loaded, admin_url))? {
        None => Ok(Exit::Done),
        Some(why) => {
            say(format_args!("the server cannot go on: {}", escaped(&why)));
            Ok(Exit::Failed)
        }
    }
}
