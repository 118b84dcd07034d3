//! The installations of the file with their secrets read, as the store takes them.
//!
//! What a declaration refers to and this host does not have is that bot's trouble and nobody else's: the bot is kept without,
//! and shows as refused.

use std::path::PathBuf;

use longwire_fleet::ConfigFault;
use longwire_fleet::setback::chain;
use longwire_link::Setback;
use longwire_store::NewInstallation;

use crate::config::{DeclarationError, InstallationSection, Loaded};
use crate::file_stamp::FileStamp;

/// The installations of a file, read.
#[derive(Default)]
pub(crate) struct Declarations {
    /// In the order of the file.
    pub(crate) installations: Vec<NewInstallation>,
    /// What keeps each of them from being connected, in the same order.
    pub(crate) faults: Vec<Option<ConfigFault>>,
    /// The files that they refer to, as they were before they were read.
    pub(crate) files: Vec<(PathBuf, Option<FileStamp>)>,
}

impl Declarations {
    /// Reads the files and variables that these installations of `loaded` refer to. Blocks.
    ///
    /// # Errors
    /// An installation does not fit its platform, which validation has seen to.
    pub(crate) fn read<'a>(
        sections: impl IntoIterator<Item = &'a InstallationSection>,
        loaded: &Loaded,
    ) -> Result<Self, DeclarationError> {
        let mut read = Self::default();
        for section in sections {
            for path in section.files(&loaded.directory) {
                // Before it is read, so that no change of it is missed.
                let stamp = FileStamp::of(&path);
                read.files.push((path, stamp));
            }
            let (installation, fault) = resolve(section, loaded)?;
            read.installations.push(installation);
            read.faults.push(fault);
        }
        Ok(read)
    }
}

/// The installation with its secrets; without all of them, and with the fault, if one cannot be had.
fn resolve(
    section: &InstallationSection,
    loaded: &Loaded,
) -> Result<(NewInstallation, Option<ConfigFault>), DeclarationError> {
    let (setback, error) = match section.resolve(loaded) {
        Ok(new) => return Ok((new, None)),
        Err(error @ DeclarationError::Secret { .. }) => (Setback::NoSecret, error),
        Err(error @ DeclarationError::Proxy { .. }) => (Setback::ProxyUnusable, error),
        Err(error @ (DeclarationError::Misfit { .. } | DeclarationError::BaseUrl { .. })) => {
            return Err(error);
        }
    };
    // The bot is known where this is shown; the key and the cause are not.
    let detail = match &error {
        DeclarationError::Secret { key, source, .. } => format!("{key}: {}", chain(source)),
        DeclarationError::Proxy { source, .. } => chain(source),
        DeclarationError::Misfit { .. } | DeclarationError::BaseUrl { .. } => chain(&error),
    };
    let fault = ConfigFault { setback, detail };
    Ok((section.without_access(loaded)?, Some(fault)))
}
