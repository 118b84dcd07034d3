//! The npm packages: `longwire` holds a starter in JavaScript, and names a package for each processor that holds the binary.
//! npm installs the one whose `os` and `cpu` are those of the host.

use std::path::Path;

use serde_json::{Value, json};

use crate::archive::{Effort, Entry, gzip, tar};
use crate::contents::{Contents, README_ZH};
use crate::failure::Failure;
use crate::package::Package;
use crate::target::Processor;

const STARTER: &str = include_str!("../packages/npm/longwire.js");
const README: &str = include_str!("../packages/npm/README.md");

/// The processors that there are packages for.
const PROCESSORS: [Processor; 2] = [Processor::X86_64, Processor::Aarch64];

/// Makes `longwire-VERSION.tgz` and `longwire-linux-CPU-VERSION.tgz`, named as `npm pack` names them.
pub(crate) fn make(
    contents: &Contents,
    processor: Processor,
    effort: Effort,
) -> Result<[Package; 2], Failure> {
    let version = &contents.version;
    let starter = [
        Entry::program("bin/longwire.js", STARTER),
        Entry::file("README.md", contents.readme.clone()),
        Entry::file(README_ZH, contents.readme_zh.clone()),
    ];
    let binary = [
        Entry::program("bin/longwire", contents.binary.clone()),
        Entry::file("README.md", README),
        Entry::file("THIRD-PARTY-LICENSES.txt", contents.third_party.clone()),
        Entry::file("longwire.cdx.json", contents.bill.clone()),
    ];
    Ok([
        package(
            format!("longwire-{version}.tgz"),
            &starter_manifest(version),
            &starter,
            contents,
            Effort::Best,
        )?,
        package(
            format!("longwire-linux-{}-{version}.tgz", processor.node()),
            &binary_manifest(version, processor),
            &binary,
            contents,
            effort,
        )?,
    ])
}

fn package(
    name: String,
    manifest: &Value,
    entries: &[Entry],
    contents: &Contents,
    effort: Effort,
) -> Result<Package, Failure> {
    let manifest = serde_json::to_vec_pretty(manifest).map_err(|source| Failure::Answer {
        of: "package.json",
        source,
    })?;
    let mut entries = entries.to_vec();
    entries.push(Entry::file("package.json", manifest));
    for (name, licence) in &contents.licences {
        entries.push(Entry::file(name, licence.clone()));
    }
    let made = tar(&entries, "package/", contents.epoch).and_then(|tar| gzip(&tar, effort));
    let bytes = made.map_err(Failure::file("make", Path::new(&name)))?;
    Ok(Package { name, bytes })
}

/// The name of the package with the binary.
fn binary_name(processor: Processor) -> String {
    format!("@longwire/linux-{}", processor.node())
}

fn starter_manifest(version: &str) -> Value {
    let binaries: serde_json::Map<String, Value> = PROCESSORS
        .into_iter()
        .map(|processor| (binary_name(processor), json!(version)))
        .collect();
    json!({
        "name": "longwire",
        "version": version,
        "description": "Holds the long connections of thousands of Feishu, Lark and WeCom bots",
        "license": "MIT OR Apache-2.0",
        "bin": { "longwire": "bin/longwire.js" },
        "files": ["bin"],
        "engines": { "node": ">=16" },
        "os": ["linux"],
        "optionalDependencies": binaries,
    })
}

fn binary_manifest(version: &str, processor: Processor) -> Value {
    json!({
        "name": binary_name(processor),
        "version": version,
        "description": format!("The binary of longwire for Linux on {}", processor.name()),
        "license": "MIT OR Apache-2.0",
        "files": ["bin", "THIRD-PARTY-LICENSES.txt", "longwire.cdx.json"],
        "os": ["linux"],
        "cpu": [processor.node()],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// npm chooses by `os` and `cpu`, and the starter asks Node.js for the same names.
    #[test]
    fn the_starter_names_every_package_with_a_binary() {
        let manifest = starter_manifest("1.2.3");
        for processor in PROCESSORS {
            let binary = binary_manifest("1.2.3", processor);
            let name = binary["name"].as_str().expect("a name");
            assert_eq!(manifest["optionalDependencies"][name], "1.2.3");
            assert_eq!(
                name,
                format!(
                    "@longwire/linux-{}",
                    binary["cpu"][0].as_str().expect("a cpu")
                )
            );
        }
        assert!(STARTER.contains("`@longwire/${process.platform}-${process.arch}`"));
    }
}
