//! Writes the seeds, a folder for each decoder, into the directory that is named: `cargo fuzz` begins with them.

use std::path::PathBuf;
use std::{env, fs, io};

use longwire_fuzz::{TARGETS, seeds};

fn main() -> io::Result<()> {
    let directory = env::args_os().nth(1).map(PathBuf::from);
    let directory = directory.ok_or(io::Error::other("name a directory"))?;
    for (name, _) in TARGETS {
        let folder = directory.join(name);
        fs::create_dir_all(&folder)?;
        for (number, seed) in seeds().iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:03}")), seed)?;
        }
    }
    Ok(())
}
