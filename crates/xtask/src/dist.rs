//! `cargo xtask dist`: from the sources to the files that users download.

use std::path::PathBuf;
use std::process::Command;

use clap::Args;
use sha2::{Digest as _, Sha256};

use crate::archive::Effort;
use crate::binary::{self, Places, Profile};
use crate::contents::Contents;
use crate::elf;
use crate::failure::Failure;
use crate::package::Package;
use crate::sbom::Bill;
use crate::target::{Processor, Target};
use crate::{deb, npm, tarball, wheel};

/// The arguments of the task.
#[derive(Debug, Args)]
pub(crate) struct Dist {
    /// What to build for; several are allowed. x86_64-unknown-linux-musl unless given.
    #[arg(long = "target", value_name = "TRIPLE", value_enum)]
    targets: Vec<Target>,
    /// How to compile.
    #[arg(long, value_enum, default_value_t = Profile::Release)]
    profile: Profile,
}

/// Makes all packages of all targets. What lay in target/dist before is removed, so that the checksums are of one run.
pub(crate) fn run(dist: &Dist) -> Result<(), Failure> {
    let places = places();
    let folder = places.target_directory.join("dist");
    let epoch = epoch(&places)?;
    let targets = match dist.targets.as_slice() {
        [] => &[Target::X86_64Musl],
        targets => targets,
    };
    let mut packages = Vec::new();
    for &target in targets {
        let made = packages_for(&places, target, dist.profile, epoch)?;
        // The starter for npm and the bill are the same for some targets.
        for package in made {
            if !packages
                .iter()
                .any(|known: &Package| known.name == package.name)
            {
                packages.push(package);
            }
        }
    }
    packages.sort_by(|one, other| one.name.cmp(&other.name));
    packages.push(checksums(&packages));
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(Failure::file("remove", &folder))?;
    }
    std::fs::create_dir_all(&folder).map_err(Failure::file("make", &folder))?;
    for package in &packages {
        let path = folder.join(&package.name);
        std::fs::write(&path, &package.bytes).map_err(Failure::file("write", &path))?;
        println!("{:>10}  {}", package.bytes.len(), path.display());
    }
    Ok(())
}

fn packages_for(
    places: &Places,
    target: Target,
    profile: Profile,
    epoch: u64,
) -> Result<Vec<Package>, Failure> {
    let processor = target.processor();
    let built = binary::build(places, target, profile)?;
    let bytes = std::fs::read(&built).map_err(Failure::file("read", &built))?;
    elf::check_static(&bytes, &built, processor)?;
    let longwire = binary::runnable(&built, target, places)?;
    let bill = Bill::read(places, target)?;
    let contents = Contents::gather(places, bytes, &longwire, &bill, epoch)?;
    let effort = match profile {
        Profile::Release => Effort::Best,
        Profile::Dev => Effort::Fast,
    };
    let [starter, binary] = npm::make(&contents, processor, effort)?;
    Ok(vec![
        tarball::make(&contents, &longwire, processor, effort)?,
        deb::make(&contents, &longwire, processor, effort)?,
        wheel::make(&contents, processor, effort)?,
        starter,
        binary,
        bill_alone(&contents, processor),
    ])
}

/// The bill of materials beside the packages, for whoever reads it before installing anything.
fn bill_alone(contents: &Contents, processor: Processor) -> Package {
    Package {
        name: format!(
            "longwire-{}-{}-linux.cdx.json",
            contents.version,
            processor.name()
        ),
        bytes: contents.bill.clone(),
    }
}

/// What `sha256sum --check` reads.
fn checksums(packages: &[Package]) -> Package {
    let mut lines = String::new();
    for package in packages {
        let digest = Sha256::digest(&package.bytes);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        lines.push_str(&format!("{digest}  {}\n", package.name));
    }
    Package {
        name: "SHA256SUMS".to_owned(),
        bytes: lines.into_bytes(),
    }
}

fn places() -> Places {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    // This crate lies two folders below the root.
    root.pop();
    root.pop();
    let target_directory = match std::env::var_os("CARGO_TARGET_DIR") {
        // Cargo takes a relative one from the directory it runs in, which is the root.
        Some(directory) => root.join(directory),
        None => root.join("target"),
    };
    Places {
        root,
        target_directory,
    }
}

/// The time that every entry gets: `SOURCE_DATE_EPOCH`, or that of the commit, or the beginning of 1980, the oldest that
/// every kind of archive can hold.
fn epoch(places: &Places) -> Result<u64, Failure> {
    const BEGIN_OF_1980: u64 = 315_532_800;
    if let Ok(text) = std::env::var("SOURCE_DATE_EPOCH") {
        return text.parse().map_err(|_| Failure::Epoch(text));
    }
    let commit = Command::new("git")
        .current_dir(&places.root)
        .args(["log", "-1", "--format=%ct"])
        .output();
    let time = commit
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok()?.trim().parse().ok());
    Ok(time.unwrap_or(BEGIN_OF_1980))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_as_sha256sum_reads_them() {
        let packages = [Package {
            name: "a".to_owned(),
            bytes: b"abc".to_vec(),
        }];
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(
            checksums(&packages).bytes,
            format!("{digest}  a\n").as_bytes()
        );
    }
}
