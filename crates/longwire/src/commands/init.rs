//! `longwire init`: a configuration, a store, its key and its first token in the current directory. Never overwrites.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use longwire_store::{OpenError, Store};
use longwire_terminal::{Ink, Palette, say};

use crate::config::sample;
use crate::config::{DEFAULT_FILE, Loaded};
use crate::exit::{Exit, Failure};
use crate::logs;
use crate::token_file::{self, FirstTokenError};

pub(crate) fn run() -> Result<Exit, Failure> {
    logs::start_for_command();
    let palette = Palette::of(&std::io::stderr());
    let done = |what: &str| say(format_args!("{} {what}", palette.paint(Ink::Green, "✓")));
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(DEFAULT_FILE)
    {
        Ok(mut file) => {
            file.write_all(sample::for_init().as_bytes())
                .map_err(Failure::io(format!("write {DEFAULT_FILE}")))?;
            done(&format!(
                "wrote {DEFAULT_FILE}, every setting explained; webhooks on this host are allowed, else all is at its default"
            ));
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            done(&format!("{DEFAULT_FILE} is there and is kept"))
        }
        Err(error) => return Err(Failure::io(format!("write {DEFAULT_FILE}"))(error)),
    }
    let loaded = Loaded::read(Some(Path::new(DEFAULT_FILE)))?;
    let settings = loaded.store_settings();
    let store = Store::open(&settings)?;
    let path = settings.url.file().map_err(OpenError::from)?;
    let path = path.display();
    done(&format!("the store is {path}"));
    match &settings.key_file {
        Some(key) => done(&format!("its key is {}", key.display())),
        None => done(&format!(
            "its key is {path}.key; keep a copy elsewhere, sealed secrets are lost without it"
        )),
    }
    let token_path = token_file::path_of(&loaded).map_err(FirstTokenError::File)?;
    let token = token_path.display();
    match token_file::make_first(&store, &token_path)? {
        Some(_made) => done(&format!(
            "the first token is in {token}; commands on this host use it by themselves"
        )),
        None => done("the store has a token"),
    }
    say(format_args!(
        "\nNext:\n  \
         longwire installations add my-bot --app-id cli_…   # asks for the app's secret\n  \
         longwire installations add my-bot --bot-id aib…    # the same for a bot of WeCom\n  \
         longwire check --online                            # says what is wrong, if anything\n  \
         longwire serve\n  \
         longwire events tail --follow                      # in another terminal"
    ));
    Ok(Exit::Done)
}
