//! The fuzz targets over the seeds, over damaged seeds, and over what was found before.

use std::fs;
use std::path::Path;

use longwire_fuzz::{TARGETS, seeds};

#[test]
fn every_decoder_holds_for_every_seed() {
    let seeds = seeds();
    assert!(seeds.len() > 250, "{}", seeds.len());
    for (name, target) in TARGETS {
        for seed in &seeds {
            target(seed);
        }
        println!("{name}: {} seeds", seeds.len());
    }
}

/// Each seed cut off, with a byte changed and with a byte taken out, at places spread over it.
#[test]
fn every_decoder_holds_for_damaged_seeds() {
    const PLACES: usize = 24;
    for seed in seeds() {
        for place in 0..PLACES {
            let at = seed.len() * place / PLACES;
            if at == seed.len() {
                continue;
            }
            let cut = seed[..at].to_vec();
            let mut changed = seed.clone();
            changed[at] ^= 1 << (place % 8);
            let mut shorter = seed.clone();
            shorter.remove(at);
            for damaged in [cut, changed, shorter] {
                for (_, target) in TARGETS {
                    target(&damaged);
                }
            }
        }
    }
}

/// Files beneath `corpus/`, in the folder of their decoder.
#[test]
fn every_decoder_holds_for_what_was_found() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut files = 0;
    for folder in fs::read_dir(&corpus).expect("there is a corpus") {
        let folder = folder.expect("a folder");
        let name = folder.file_name();
        let (_, target) = TARGETS
            .iter()
            .find(|(known, _)| name == *known)
            .unwrap_or_else(|| panic!("no decoder is called {}", name.display()));
        for file in fs::read_dir(folder.path()).expect("it can be read") {
            target(&fs::read(file.expect("a file").path()).expect("it can be read"));
            files += 1;
        }
    }
    assert!(files > 0);
}

/// Every decoder has a program for libFuzzer, and every such program a decoder.
#[test]
fn every_decoder_has_a_fuzz_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).expect("the manifest");
    let named = manifest.matches("[[bin]]").count();
    assert_eq!(named, TARGETS.len());
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        let program = fuzz.join("fuzz_targets").join(name).with_extension("rs");
        let program = fs::read_to_string(program).expect("the program");
        assert!(
            program.contains(&format!("longwire_fuzz::{name}(")),
            "{name}"
        );
    }
}
