//! The Debian package. It is written here and not by `dpkg-deb`, so that it is the same on every host; `dpkg` reads it in the
//! tests of the packages.

use std::path::Path;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::archive::{Content, Effort, Entry, ar, gzip, tar};
use crate::contents::{Contents, README_ZH, SHELLS};
use crate::failure::Failure;
use crate::package::Package;
use crate::target::Processor;

const POSTINST: &str = include_str!("../packages/debian/postinst");
const PRERM: &str = include_str!("../packages/debian/prerm");
const POSTRM: &str = include_str!("../packages/debian/postrm");
const DESCRIPTION: &str = include_str!("../packages/debian/description");
const COPYRIGHT: &str = include_str!("../packages/debian/copyright");
const LINTIAN_OVERRIDES: &str = include_str!("../packages/debian/lintian-overrides");

/// Where Debian has the binaries of packages.
const PLACE: &str = "/usr/bin/longwire";
/// The configuration, which an upgrade leaves as its owner wrote it.
const CONFIG: &str = "etc/longwire/longwire.toml";

/// Who is asked about the package. Whoever publishes one says so by the variable.
const MAINTAINER_VARIABLE: &str = "LONGWIRE_MAINTAINER";
const NO_MAINTAINER: &str = "The longwire authors <packages@longwire.invalid>";

/// Makes `longwire_VERSION_ARCHITECTURE.deb`.
pub(crate) fn make(
    contents: &Contents,
    longwire: &Path,
    processor: Processor,
    effort: Effort,
) -> Result<Package, Failure> {
    let name = format!("longwire_{}_{}.deb", contents.version, processor.debian());
    let maintainer =
        std::env::var(MAINTAINER_VARIABLE).unwrap_or_else(|_| NO_MAINTAINER.to_owned());
    let unit = contents.unit(longwire, PLACE)?;
    let made = || -> std::io::Result<Vec<u8>> {
        let data = data(contents, unit, &maintainer)?;
        let control = control(contents, processor, &maintainer, &data);
        let pack = |entries: &[Entry], effort| gzip(&tar(entries, "./", contents.epoch)?, effort);
        Ok(ar(
            &[
                ("debian-binary", b"2.0\n"),
                ("control.tar.gz", &pack(&control, Effort::Best)?),
                ("data.tar.gz", &pack(&data, effort)?),
            ],
            contents.epoch,
        ))
    };
    let bytes = made().map_err(Failure::file("make", Path::new(&name)))?;
    Ok(Package { name, bytes })
}

/// What is installed.
fn data(contents: &Contents, unit: Vec<u8>, maintainer: &str) -> std::io::Result<Vec<Entry>> {
    let small = |bytes: &[u8]| gzip(bytes, Effort::Best);
    let doc = "usr/share/doc/longwire";
    let mut entries = vec![
        Entry::program("usr/bin/longwire", contents.binary.clone()),
        Entry::file("usr/lib/systemd/system/longwire.service", unit),
        Entry::file(CONFIG, contents.service_config.clone()),
        Entry::directory("etc/longwire/secrets", 0o700),
        Entry::file(format!("{doc}/copyright"), COPYRIGHT),
        Entry::file(
            format!("{doc}/changelog.gz"),
            small(changelog(contents, maintainer).as_bytes())?,
        ),
        Entry::file(
            format!("{doc}/CHANGELOG.md.gz"),
            small(&contents.changelog)?,
        ),
        Entry::file(format!("{doc}/README.md.gz"), small(&contents.readme)?),
        Entry::file(format!("{doc}/{README_ZH}.gz"), small(&contents.readme_zh)?),
        Entry::file(
            format!("{doc}/THIRD-PARTY-LICENSES.txt.gz"),
            small(&contents.third_party)?,
        ),
        Entry::file(
            format!("{doc}/longwire.cdx.json.gz"),
            small(&contents.bill)?,
        ),
        Entry::file("usr/share/lintian/overrides/longwire", LINTIAN_OVERRIDES),
    ];
    let places = [
        "usr/share/bash-completion/completions/longwire",
        "usr/share/zsh/vendor-completions/_longwire",
        "usr/share/fish/vendor_completions.d/longwire.fish",
    ];
    debug_assert_eq!(places.len(), SHELLS.len());
    for (place, script) in places.into_iter().zip(&contents.completions) {
        entries.push(Entry::file(place, script.clone()));
    }
    for (name, page) in &contents.manual {
        entries.push(Entry::file(
            format!("usr/share/man/man1/{name}.gz"),
            small(page)?,
        ));
    }
    Ok(with_parents(entries))
}

/// What dpkg reads and runs.
fn control(
    contents: &Contents,
    processor: Processor,
    maintainer: &str,
    data: &[Entry],
) -> Vec<Entry> {
    let control = format!(
        "Package: longwire\nVersion: {}\nArchitecture: {}\nMaintainer: {maintainer}\nInstalled-Size: {}\n\
         Depends: adduser\nRecommends: ca-certificates\nSection: net\nPriority: optional\nDescription: {DESCRIPTION}",
        contents.version,
        processor.debian(),
        installed_kib(data),
    );
    vec![
        Entry::file("control", control),
        Entry::file("conffiles", format!("/{CONFIG}\n")),
        Entry::file("md5sums", md5sums(data)),
        Entry::program("postinst", POSTINST),
        Entry::program("prerm", PRERM),
        Entry::program("postrm", POSTRM),
    ]
}

/// The entries with the directories that they lie in.
fn with_parents(entries: Vec<Entry>) -> Vec<Entry> {
    let mut all = entries;
    let paths: Vec<String> = all.iter().map(|entry| entry.path.clone()).collect();
    for path in paths {
        let parents = path.match_indices('/').map(|(end, _)| &path[..end]);
        for parent in parents {
            if !all.iter().any(|entry| entry.path == parent) {
                all.push(Entry::directory(parent, 0o755));
            }
        }
    }
    all
}

/// What dpkg shows, in KiB, counted as Debian's policy says: files by their size, everything else as one.
fn installed_kib(data: &[Entry]) -> u64 {
    let kib = |entry: &Entry| match &entry.content {
        Content::File(bytes) => (bytes.len() as u64).div_ceil(1024),
        Content::Directory => 1,
    };
    data.iter().map(kib).sum()
}

/// Checksums with which `dpkg --verify` finds files that changed. MD5 is what it knows; it protects nothing.
fn md5sums(data: &[Entry]) -> String {
    use md5::Digest as _;
    let mut lines = String::new();
    for entry in data {
        if let Content::File(bytes) = &entry.content
            && entry.path != CONFIG
        {
            let digest = md5::Md5::digest(bytes);
            let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            lines.push_str(&format!("{digest}  {}\n", entry.path));
        }
    }
    lines
}

/// The changelog in Debian's form, which leads to ours.
fn changelog(contents: &Contents, maintainer: &str) -> String {
    let moment = i64::try_from(contents.epoch).unwrap_or(i64::MAX);
    let moment = OffsetDateTime::from_unix_timestamp(moment)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
        .format(&Rfc2822)
        .unwrap_or_default();
    format!(
        "longwire ({}) unstable; urgency=medium\n\n  * What changed is in CHANGELOG.md.gz beside this file.\n\n -- {maintainer}  {moment}\n",
        contents.version
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_directory_is_there_once() {
        let entries = with_parents(vec![
            Entry::file("a/b/one", *b""),
            Entry::file("a/b/two", *b""),
            Entry::directory("a/c", 0o700),
        ]);
        let mut paths: Vec<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["a", "a/b", "a/b/one", "a/b/two", "a/c"]);
        let secret = entries.iter().find(|entry| entry.path == "a/c");
        assert_eq!(secret.expect("it is kept").mode, 0o700);
    }

    #[test]
    fn the_configuration_has_no_checksum_and_its_size_counts() {
        let entries = [
            Entry::file(CONFIG, vec![0; 1025]),
            Entry::file("usr/bin/longwire", *b"abc"),
            Entry::directory("usr", 0o755),
        ];
        assert_eq!(installed_kib(&entries), 2 + 1 + 1);
        // The MD5 of `abc`, as RFC 1321 has it.
        assert_eq!(
            md5sums(&entries),
            "900150983cd24fb0d6963f7d28e17f72  usr/bin/longwire\n"
        );
    }
}
