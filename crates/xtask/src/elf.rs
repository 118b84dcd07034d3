//! Looks at the header of a binary: what it runs on, and whether it needs a loader.

use std::path::Path;

use crate::failure::Failure;
use crate::target::Processor;

/// The kind of segment that names a loader (`PT_INTERP`).
const NAMES_LOADER: u32 = 3;

/// Refuses a `binary`, read from `path`, that is of another processor or not static.
pub(crate) fn check_static(
    binary: &[u8],
    path: &Path,
    processor: Processor,
) -> Result<(), Failure> {
    let segments = segments(binary, processor).ok_or_else(|| Failure::NotElf {
        path: path.to_owned(),
        machine: processor.name(),
    })?;
    let loader = segments.iter().find(|segment| segment.kind == NAMES_LOADER);
    let Some(loader) = loader else { return Ok(()) };
    let end = loader.offset.saturating_add(loader.size);
    let name = binary.get(loader.offset..end).unwrap_or_default();
    Err(Failure::NotStatic {
        path: path.to_owned(),
        loader: String::from_utf8_lossy(name)
            .trim_end_matches('\0')
            .to_owned(),
    })
}

struct Segment {
    kind: u32,
    offset: usize,
    size: usize,
}

/// The program header of a 64-bit little-endian file, with the offsets that the ELF specification gives its fields.
fn segments(binary: &[u8], processor: Processor) -> Option<Vec<Segment>> {
    let is_elf64 = binary.starts_with(b"\x7fELF\x02\x01");
    let machine = u16::try_from(number(binary, 18, 2)?).ok()?;
    if !is_elf64 || machine != processor.elf_machine() {
        return None;
    }
    let table = usize::try_from(number(binary, 32, 8)?).ok()?;
    let size = usize::try_from(number(binary, 54, 2)?).ok()?;
    let count = usize::try_from(number(binary, 56, 2)?).ok()?;
    let segment = |index: usize| {
        let at = table.checked_add(size.checked_mul(index)?)?;
        Some(Segment {
            kind: u32::try_from(number(binary, at, 4)?).ok()?,
            offset: usize::try_from(number(binary, at.checked_add(8)?, 8)?).ok()?,
            size: usize::try_from(number(binary, at.checked_add(32)?, 8)?).ok()?,
        })
    };
    (0..count).map(segment).collect()
}

fn number(binary: &[u8], at: usize, bytes: usize) -> Option<u64> {
    let field = binary.get(at..at.checked_add(bytes)?)?;
    Some(
        field
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with one segment of this kind, whose content is `name`.
    fn file(machine: u16, kind: u32, name: &[u8]) -> Vec<u8> {
        let mut file = vec![0; 64 + 56];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[18..20].copy_from_slice(&machine.to_le_bytes());
        file[32..40].copy_from_slice(&64_u64.to_le_bytes());
        file[54..56].copy_from_slice(&56_u16.to_le_bytes());
        file[56..58].copy_from_slice(&1_u16.to_le_bytes());
        file[64..68].copy_from_slice(&kind.to_le_bytes());
        file[72..80].copy_from_slice(&120_u64.to_le_bytes());
        file[96..104].copy_from_slice(&(name.len() as u64).to_le_bytes());
        file.extend(name);
        file
    }

    fn check(file: &[u8]) -> Result<(), Failure> {
        check_static(file, Path::new("longwire"), Processor::X86_64)
    }

    #[test]
    fn a_binary_that_names_a_loader_is_refused() {
        assert!(check(&file(62, 1, b"")).is_ok());
        match check(&file(62, NAMES_LOADER, b"/lib64/ld.so\0")) {
            Err(Failure::NotStatic { loader, .. }) => assert_eq!(loader, "/lib64/ld.so"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn another_processor_or_no_program_is_refused() {
        // The last field that is read ends here.
        const CUT: usize = 64 + 40;
        let cut: Vec<Vec<u8>> = (0..CUT)
            .map(|end| file(62, 1, b"")[..end].to_vec())
            .collect();
        for wrong in [file(183, 1, b""), b"#!/bin/sh\n".to_vec()]
            .iter()
            .chain(&cut)
        {
            assert!(matches!(check(wrong), Err(Failure::NotElf { .. })));
        }
    }

    /// The test itself is an ordinary program with a loader.
    #[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
    #[test]
    fn an_ordinary_program_is_not_static() {
        let path = std::env::current_exe().expect("a test knows its executable");
        let binary = std::fs::read(&path).expect("it can be read");
        assert!(matches!(check(&binary), Err(Failure::NotStatic { .. })));
    }
}
