//! The bill of materials: every crate that is linked into the binary, as CycloneDX 1.5, and the texts of their licences.
//!
//! It follows what cargo resolved for the target, from `longwire` down. Crates that only build or test others are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::binary::{Places, cargo};
use crate::failure::Failure;
use crate::target::Target;

/// What `cargo metadata` says, as far as it is of use.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    description: Option<String>,
    source: Option<String>,
    manifest_path: PathBuf,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    /// `build`, `dev`, or nothing for an ordinary dependency.
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<LockedPackage>,
}

#[derive(Deserialize)]
struct LockedPackage {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// What is linked in.
pub(crate) struct Bill {
    longwire: String,
    /// By their id.
    packages: BTreeMap<String, Package>,
    /// What each of them uses.
    uses: BTreeMap<String, BTreeSet<String>>,
    /// SHA-256 of a package as the registry has it, by name and version.
    checksums: BTreeMap<(String, String), String>,
}

impl Package {
    /// Its name for tools (package URL).
    fn purl(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version)
    }

    /// Its licence as SPDX writes it: older crates have a slash between two of them.
    fn licence(&self) -> Option<String> {
        let licence = self.license.as_ref()?;
        Some(licence.replace(" / ", " OR ").replace('/', " OR "))
    }

    fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(Path::new("/"))
    }
}

impl Bill {
    /// Asks cargo what `longwire` is made of on `target`.
    pub(crate) fn read(places: &Places, target: Target) -> Result<Self, Failure> {
        let output = cargo()
            .current_dir(&places.root)
            .args(["metadata", "--locked", "--format-version=1"])
            .args(["--filter-platform", target.triple()])
            .output();
        let output = output.map_err(|source| Failure::Start {
            program: "cargo metadata".to_owned(),
            source,
        })?;
        if !output.status.success() {
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
            return Err(Failure::Program {
                program: "cargo metadata".to_owned(),
                status: output.status,
            });
        }
        let metadata: Metadata =
            serde_json::from_slice(&output.stdout).map_err(|source| Failure::Answer {
                of: "cargo metadata",
                source,
            })?;
        let path = places.root.join("Cargo.lock");
        let lock = std::fs::read_to_string(&path).map_err(Failure::file("read", &path))?;
        Ok(Self::of(metadata, toml::from_str(&lock)?))
    }

    fn of(metadata: Metadata, lock: Lock) -> Self {
        let mut packages: BTreeMap<String, Package> = metadata
            .packages
            .into_iter()
            .map(|package| (package.id.clone(), package))
            .collect();
        let mut nodes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in metadata.resolve.nodes {
            let linked = node
                .deps
                .into_iter()
                .filter(|dependency| dependency.dep_kinds.iter().any(|kind| kind.kind.is_none()));
            nodes.insert(node.id, linked.map(|dependency| dependency.pkg).collect());
        }
        let longwire = packages
            .values()
            .find(|package| package.name == "longwire" && package.source.is_none())
            .map(|package| package.id.clone())
            .unwrap_or_default();
        let mut uses = BTreeMap::new();
        let mut open = vec![longwire.clone()];
        while let Some(id) = open.pop() {
            if uses.contains_key(&id) {
                continue;
            }
            let used = nodes.remove(&id).unwrap_or_default();
            open.extend(used.iter().cloned());
            uses.insert(id, used);
        }
        packages.retain(|id, _| uses.contains_key(id));
        let locked = lock.package.into_iter();
        let checksums = locked
            .filter_map(|package| Some(((package.name, package.version), package.checksum?)))
            .collect();
        Self {
            longwire,
            packages,
            uses,
            checksums,
        }
    }

    /// The version of longwire.
    pub(crate) fn version(&self) -> &str {
        self.packages
            .get(&self.longwire)
            .map_or("0.0.0", |longwire| &longwire.version)
    }

    /// The document. `epoch` is the time it is said to be of.
    pub(crate) fn json(&self, epoch: u64) -> Result<Vec<u8>, Failure> {
        let moment = i64::try_from(epoch).unwrap_or(i64::MAX);
        let moment = time::OffsetDateTime::from_unix_timestamp(moment)
            .unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
            .format(&time::format_description::well_known::Rfc3339)
            .unwrap_or_default();
        let others = self.packages.values().filter(|one| one.id != self.longwire);
        let mut components: Vec<Value> = others.map(|one| self.component(one, "library")).collect();
        let mut dependencies: Vec<Value> = Vec::new();
        for (id, uses) in &self.uses {
            let mut on: Vec<String> = uses.iter().filter_map(|id| self.purl(id)).collect();
            if let Some(sqlite) = self.bundled_sqlite(id) {
                on.push(sqlite["bom-ref"].as_str().unwrap_or_default().to_owned());
                components.push(sqlite);
            }
            dependencies.push(json!({ "ref": self.purl(id), "dependsOn": on }));
        }
        let main = self.packages.get(&self.longwire);
        let mut document = json!({
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "version": 1,
            "metadata": {
                "timestamp": moment,
                "component": main.map(|main| self.component(main, "application")),
            },
            "components": components,
            "dependencies": dependencies,
        });
        document["serialNumber"] = json!(serial_number(&document));
        let text = serde_json::to_vec_pretty(&document);
        text.map_err(|source| Failure::Answer {
            of: "the bill of materials",
            source,
        })
    }

    fn purl(&self, id: &str) -> Option<String> {
        self.packages.get(id).map(Package::purl)
    }

    fn component(&self, package: &Package, kind: &str) -> Value {
        let mut component = json!({
            "type": kind,
            "bom-ref": package.purl(),
            "name": package.name,
            "version": package.version,
            "purl": package.purl(),
        });
        if let Some(licence) = package.licence() {
            component["licenses"] = json!([{ "expression": licence }]);
        }
        if let Some(description) = &package.description {
            component["description"] = json!(description.trim());
        }
        let key = (package.name.clone(), package.version.clone());
        if let Some(checksum) = self.checksums.get(&key) {
            component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
        }
        component
    }

    /// SQLite itself, whose sources are in a crate that has a version of its own.
    fn bundled_sqlite(&self, id: &str) -> Option<Value> {
        let package = self.packages.get(id)?;
        if package.name != "libsqlite3-sys" {
            return None;
        }
        let header = std::fs::read_to_string(package.folder().join("sqlite3/sqlite3.h")).ok()?;
        let line = header
            .lines()
            .find(|line| line.starts_with("#define SQLITE_VERSION "))?;
        let version = line.split('"').nth(1)?;
        let purl = format!("pkg:generic/sqlite@{version}");
        Some(json!({
            "type": "library",
            "bom-ref": purl,
            "name": "sqlite",
            "version": version,
            "purl": purl,
            "licenses": [{ "expression": "blessing" }],
        }))
    }

    /// The texts of the licences, each once, under the names of the crates that come with it.
    pub(crate) fn licence_texts(&self) -> Result<Vec<u8>, Failure> {
        let mut owners: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let foreign = self.packages.values().filter(|one| one.source.is_some());
        for package in foreign {
            let label = format!("{} {}", package.name, package.version);
            for text in licence_files(package.folder())? {
                owners.entry(text).or_default().insert(label.clone());
            }
        }
        let mut page = "What is linked into longwire, and its licences.\n".to_owned();
        for package in self.packages.values().filter(|one| one.source.is_some()) {
            let licence = package.licence().unwrap_or_default();
            page.push_str(&format!(
                "\n{} {}: {licence}",
                package.name, package.version
            ));
        }
        page.push('\n');
        for (text, owners) in owners {
            let owners: Vec<String> = owners.into_iter().collect();
            let line = "-".repeat(78);
            page.push_str(&format!(
                "\n{line}\n{}\n{line}\n\n{}\n",
                owners.join(", "),
                text.trim()
            ));
        }
        Ok(page.into_bytes())
    }
}

/// The licences that lie in the folder of a crate.
fn licence_files(folder: &Path) -> Result<Vec<String>, Failure> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Failure::file("read", folder))? {
        let path = entry.map_err(Failure::file("read", folder))?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_uppercase();
        let is_licence = [
            "LICENSE",
            "LICENCE",
            "COPYING",
            "NOTICE",
            "UNLICENSE",
            "COPYRIGHT",
        ]
        .iter()
        .any(|word| name.starts_with(word));
        if is_licence && path.is_file() {
            let text = std::fs::read(&path).map_err(Failure::file("read", &path))?;
            texts.push(String::from_utf8_lossy(&text).into_owned());
        }
    }
    Ok(texts)
}

/// A number that equal documents share, in the form of a UUID (version 8: made by a rule of our own).
fn serial_number(document: &Value) -> String {
    let digest = Sha256::digest(document.to_string());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "urn:uuid:{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bill() -> Bill {
        let package = |name: &str, source: Value| {
            json!({
                "id": name, "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0",
                "description": null, "source": source, "manifest_path": "/nowhere/Cargo.toml",
            })
        };
        let registry = json!("registry+https://example.invalid");
        let metadata = json!({
            "packages": [
                package("longwire", Value::Null), package("linked", registry.clone()),
                package("below", registry.clone()), package("builds", registry.clone()), package("tests", registry),
            ],
            "resolve": { "nodes": [
                { "id": "longwire", "deps": [
                    { "pkg": "linked", "dep_kinds": [{ "kind": null }] },
                    { "pkg": "builds", "dep_kinds": [{ "kind": "build" }] },
                    { "pkg": "tests", "dep_kinds": [{ "kind": "dev" }] },
                ] },
                { "id": "linked", "deps": [
                    { "pkg": "below", "dep_kinds": [{ "kind": "build" }, { "kind": null }] },
                ] },
                { "id": "below", "deps": [] }, { "id": "builds", "deps": [] }, { "id": "tests", "deps": [] },
            ] },
        });
        let metadata = serde_json::from_value(metadata).expect("metadata");
        let lock = "[[package]]\nname = 'linked'\nversion = '1.0.0'\nchecksum = 'abc'\n";
        Bill::of(metadata, toml::from_str(lock).expect("a lock"))
    }

    #[test]
    fn only_what_is_linked_in_is_on_the_bill() {
        let bill = bill();
        let document: Value =
            serde_json::from_slice(&bill.json(1_700_000_000).expect("a document")).expect("JSON");
        let names: Vec<_> = document["components"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| one["name"].as_str().expect("a name"))
            .collect();
        assert_eq!(names, ["below", "linked"]);
        assert_eq!(document["components"][1]["hashes"][0]["content"], "abc");
        let licence = &document["components"][0]["licenses"][0]["expression"];
        assert_eq!(licence, "MIT OR Apache-2.0");
        assert_eq!(document["metadata"]["timestamp"], "2023-11-14T22:13:20Z");
        assert_eq!(document["metadata"]["component"]["name"], "longwire");
    }

    #[test]
    fn equal_bills_have_one_number() {
        let number = |epoch| {
            let document: Value =
                serde_json::from_slice(&bill().json(epoch).expect("a document")).expect("JSON");
            document["serialNumber"]
                .as_str()
                .expect("a text")
                .to_owned()
        };
        assert_eq!(number(1), number(1));
        assert_ne!(number(1), number(2));
        assert_eq!(number(1).len(), "urn:uuid:".len() + 36);
    }
}
