//! The archive for everybody: unpack it anywhere, and run `./longwire`. It is also what a container image is built from.

use std::path::Path;

use crate::archive::{Effort, Entry, gzip, tar};
use crate::contents::{Contents, README_ZH, SHELLS};
use crate::failure::Failure;
use crate::package::Package;
use crate::target::Processor;

/// Where `install.md` says to put the binary. The unit in the archive names it.
const PLACE: &str = "/usr/local/bin/longwire";

/// Makes `longwire-VERSION-PROCESSOR-linux.tar.gz`.
pub(crate) fn make(
    contents: &Contents,
    longwire: &Path,
    processor: Processor,
    effort: Effort,
) -> Result<Package, Failure> {
    let folder = format!("longwire-{}-{}-linux", contents.version, processor.name());
    let name = format!("{folder}.tar.gz");
    let unit = contents.unit(longwire, PLACE)?;
    let archive = tar(
        &entries(contents, unit),
        &format!("{folder}/"),
        contents.epoch,
    );
    let archive = archive.map_err(Failure::file("make", Path::new(&name)))?;
    let bytes = gzip(&archive, effort).map_err(Failure::file("make", Path::new(&name)))?;
    Ok(Package { name, bytes })
}

fn entries(contents: &Contents, unit: Vec<u8>) -> Vec<Entry> {
    let mut entries = vec![
        Entry::program("longwire", contents.binary.clone()),
        Entry::file("README.md", contents.readme.clone()),
        Entry::file(README_ZH, contents.readme_zh.clone()),
        Entry::file("CHANGELOG.md", contents.changelog.clone()),
        Entry::file("THIRD-PARTY-LICENSES.txt", contents.third_party.clone()),
        Entry::file("longwire.cdx.json", contents.bill.clone()),
        Entry::file("longwire.example.toml", contents.config.clone()),
        Entry::file("systemd/longwire.service", unit),
        Entry::file("systemd/longwire.toml", contents.service_config.clone()),
        Entry::file("Containerfile", contents.containerfile.clone()),
        // The image gets its empty directories from here: it has no shell that makes any.
        Entry::directory("container", 0o755),
        Entry::directory("container/state", 0o700),
        Entry::directory("container/tmp", 0o1777),
    ];
    for (name, text) in &contents.licences {
        entries.push(Entry::file(name, text.clone()));
    }
    for ((_, name), script) in SHELLS.iter().zip(&contents.completions) {
        entries.push(Entry::file(format!("completions/{name}"), script.clone()));
    }
    for (name, page) in &contents.manual {
        entries.push(Entry::file(format!("man/man1/{name}"), page.clone()));
    }
    entries
}
