//! The Python wheel: it holds the binary as a script, so that `pipx run longwire` runs it. No Python takes part.

use std::io::{Cursor, Write as _};

use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::archive::Effort;
use crate::contents::Contents;
use crate::failure::Failure;
use crate::package::Package;
use crate::target::Processor;

/// A file of the wheel.
struct File<'a> {
    path: String,
    mode: u32,
    bytes: &'a [u8],
}

/// Makes `longwire-VERSION-TAGS.whl`.
pub(crate) fn make(
    contents: &Contents,
    processor: Processor,
    effort: Effort,
) -> Result<Package, Failure> {
    let tags = processor.wheel_tags();
    let version = &contents.version;
    let platforms: Vec<&str> = tags
        .iter()
        .map(|tag| tag.trim_start_matches("py3-none-"))
        .collect();
    let name = format!("longwire-{version}-py3-none-{}.whl", platforms.join("."));
    let info = format!("longwire-{version}.dist-info");

    let metadata = [metadata(version).as_bytes(), &contents.readme].concat();
    let wheel = wheel(&tags);
    let mut files = vec![
        File {
            path: format!("longwire-{version}.data/scripts/longwire"),
            mode: 0o755,
            bytes: &contents.binary,
        },
        text(format!("{info}/METADATA"), &metadata),
        text(format!("{info}/WHEEL"), wheel.as_bytes()),
        text(
            format!("{info}/licenses/THIRD-PARTY-LICENSES.txt"),
            &contents.third_party,
        ),
        text(format!("{info}/sboms/longwire.cdx.json"), &contents.bill),
    ];
    for (name, licence) in &contents.licences {
        files.push(text(format!("{info}/licenses/{name}"), licence));
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let record = record(&files, &info);
    // The record comes last, as the format advises.
    files.push(text(format!("{info}/RECORD"), record.as_bytes()));
    Ok(Package {
        name,
        bytes: zip(&files, effort)?,
    })
}

fn text(path: String, bytes: &[u8]) -> File<'_> {
    File {
        path,
        mode: 0o644,
        bytes,
    }
}

/// The head of METADATA (core metadata 2.4); the README follows as the description.
fn metadata(version: &str) -> String {
    format!(
        "Metadata-Version: 2.4\nName: longwire\nVersion: {version}\n\
         Summary: Holds the long connections of thousands of Feishu, Lark and WeCom bots\n\
         License-Expression: MIT OR Apache-2.0\nLicense-File: LICENSE-APACHE\nLicense-File: LICENSE-MIT\n\
         License-File: THIRD-PARTY-LICENSES.txt\nRequires-Python: >=3.7\n\
         Description-Content-Type: text/markdown\n\n"
    )
}

fn wheel(tags: &[String]) -> String {
    let mut text =
        "Wheel-Version: 1.0\nGenerator: longwire xtask\nRoot-Is-Purelib: false\n".to_owned();
    for tag in tags {
        text.push_str(&format!("Tag: {tag}\n"));
    }
    text
}

/// What pip checks each file by, and later removes.
fn record(files: &[File<'_>], info: &str) -> String {
    let mut lines = String::new();
    for file in files {
        let digest = url_base64(&Sha256::digest(file.bytes));
        lines.push_str(&format!(
            "{},sha256={digest},{}\n",
            file.path,
            file.bytes.len()
        ));
    }
    lines.push_str(&format!("{info}/RECORD,,\n"));
    lines
}

/// Base64 with the letters for URLs and without padding.
fn url_base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn zip(files: &[File<'_>], effort: Effort) -> Result<Vec<u8>, Failure> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        // Every entry is of 1980-01-01, the oldest day of the format: a zip file knows no time zone.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(i64::from(effort.level())))
            .last_modified_time(zip::DateTime::default())
            .unix_permissions(file.mode);
        archive.start_file(&*file.path, options)?;
        archive
            .write_all(file.bytes)
            .map_err(zip::result::ZipError::Io)?;
    }
    Ok(archive.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_has_every_file_with_its_digest() {
        let files = [text("a".to_owned(), b"abc")];
        // The SHA-256 of `abc`, as FIPS 180 has it.
        assert_eq!(
            record(&files, "x.dist-info"),
            "a,sha256=ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0,3\nx.dist-info/RECORD,,\n"
        );
    }

    #[test]
    fn equal_files_make_equal_bytes() {
        let files = || [text("a".to_owned(), b"abc"), text("b".to_owned(), b"def")];
        let once = zip(&files(), Effort::Best).expect("a vector takes everything");
        let again = zip(&files(), Effort::Best).expect("a vector takes everything");
        assert_eq!(once, again);
    }
}
