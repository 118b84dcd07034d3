//! What every kind of package holds.

use std::path::Path;

use crate::binary::{Places, printed};
use crate::failure::Failure;
use crate::sbom::Bill;

/// The name of the README in Chinese, at the root as in a package.
pub(crate) const README_ZH: &str = "README.zh-CN.md";
/// A shell, with the name that its file of completions has.
pub(crate) const SHELLS: [(&str, &str); 3] = [
    ("bash", "longwire.bash"),
    ("zsh", "_longwire"),
    ("fish", "longwire.fish"),
];

/// What every kind of package holds, each kind in places of its own.
pub(crate) struct Contents {
    pub(crate) version: String,
    /// The time that every entry gets, in seconds since 1970.
    pub(crate) epoch: u64,
    pub(crate) binary: Vec<u8>,
    /// In the order of [`SHELLS`].
    pub(crate) completions: Vec<Vec<u8>>,
    /// Names such as `longwire-serve.1`, and the pages.
    pub(crate) manual: Vec<(String, Vec<u8>)>,
    /// The configuration with every setting at its default.
    pub(crate) config: Vec<u8>,
    /// The same for the unit.
    pub(crate) service_config: Vec<u8>,
    pub(crate) readme: Vec<u8>,
    /// The same in Chinese, which the first line of the other leads to.
    pub(crate) readme_zh: Vec<u8>,
    pub(crate) changelog: Vec<u8>,
    /// The two licences of longwire, under their names.
    pub(crate) licences: Vec<(String, Vec<u8>)>,
    /// The licences of everything that is linked in.
    pub(crate) third_party: Vec<u8>,
    /// The bill of materials, as JSON.
    pub(crate) bill: Vec<u8>,
    pub(crate) containerfile: Vec<u8>,
}

impl Contents {
    /// Gathers it. `longwire` runs on this host and is of the same sources as `binary`.
    pub(crate) fn gather(
        places: &Places,
        binary: Vec<u8>,
        longwire: &Path,
        bill: &Bill,
        epoch: u64,
    ) -> Result<Self, Failure> {
        let read = |path: &str| {
            let path = places.root.join(path);
            std::fs::read(&path).map_err(Failure::file("read", &path))
        };
        let print = |arguments: &[&str]| printed(longwire, arguments);
        let completions = SHELLS
            .iter()
            .map(|(shell, _)| print(&["print", "completions", shell]));
        let licences = ["LICENSE-APACHE", "LICENSE-MIT"]
            .into_iter()
            .map(|name| Ok((name.to_owned(), read(name)?)));
        Ok(Self {
            version: bill.version().to_owned(),
            epoch,
            binary,
            completions: completions.collect::<Result<_, Failure>>()?,
            manual: manual(places, longwire)?,
            config: print(&["print", "config"])?,
            service_config: print(&["print", "config", "--service"])?,
            readme: read("README.md")?,
            readme_zh: read(README_ZH)?,
            changelog: read("crates/CHANGELOG.md")?,
            licences: licences.collect::<Result<_, Failure>>()?,
            third_party: bill.licence_texts()?,
            bill: bill.json(epoch)?,
            containerfile: read("crates/xtask/packages/Containerfile")?,
        })
    }

    /// The unit, which starts the binary at this place.
    pub(crate) fn unit(&self, longwire: &Path, place: &str) -> Result<Vec<u8>, Failure> {
        printed(longwire, &["print", "unit", "--binary", place])
    }
}

/// The manual pages, by name.
fn manual(places: &Places, longwire: &Path) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let folder = places.target_directory.join("xtask/man");
    if folder.exists() {
        // A command that is gone must not leave its page.
        std::fs::remove_dir_all(&folder).map_err(Failure::file("remove", &folder))?;
    }
    printed(longwire, &["print", "man", &folder.to_string_lossy()])?;
    let mut pages = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(Failure::file("read", &folder))? {
        let path = entry.map_err(Failure::file("read", &folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let page = std::fs::read(&path).map_err(Failure::file("read", &path))?;
        pages.push((name.into_owned(), page));
    }
    pages.sort();
    Ok(pages)
}
