//! The host of a run: what the figures depend on besides the program.

use std::path::Path;

use serde::Serialize;

use crate::program::Program;

/// `TMPFS_MAGIC` of statfs(2).
const TMPFS: u64 = 0x0102_1994;

/// What the figures depend on besides the program.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct HostFacts {
    pub(super) version: &'static str,
    /// Built with optimisation. Figures of a build without say little.
    pub(super) optimised: bool,
    pub(super) cores: usize,
    /// The processor's model, as the kernel names it.
    pub(super) processor: String,
    pub(super) memory_bytes: u64,
    /// Name and release.
    pub(super) kernel: String,
    /// Type of the file system the store lies on, and what it is on.
    pub(super) file_system: String,
    /// The store lies in memory, so a commit costs no disk.
    pub(super) store_in_memory: bool,
}

impl HostFacts {
    /// This one, with the store in `directory`. What the kernel does not tell stays empty.
    pub(crate) fn of(program: &Program, directory: &Path) -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        Self {
            version: program.version,
            optimised: !cfg!(debug_assertions),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: processor(&read("/proc/cpuinfo")),
            memory_bytes: memory(&read("/proc/meminfo")),
            kernel: format!(
                "{} {}",
                read("/proc/sys/kernel/ostype").trim(),
                read("/proc/sys/kernel/osrelease").trim()
            )
            .trim()
            .to_owned(),
            file_system: directory.canonicalize().map_or_else(
                |_| String::new(),
                |directory| file_system(&read("/proc/self/mountinfo"), &directory),
            ),
            store_in_memory: rustix::fs::statfs(directory)
                .is_ok_and(|stat| stat.f_type as u64 == TMPFS),
        }
    }

    /// In words, on two lines.
    pub(super) fn tell(&self) -> String {
        let cores = match self.cores {
            1 => "1 core".to_owned(),
            cores => format!("{cores} cores, shared by all processes of the run"),
        };
        let mut text = format!("longwire {}, {cores}", self.version);
        if !self.optimised {
            text += "; built without optimisation, so the figures say little";
        }
        if self.store_in_memory {
            text += "; the store lies in memory, so a commit costs no disk (--directory)";
        }
        let memory = match self.memory_bytes {
            0 => String::new(),
            bytes => format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30)),
        };
        let machine = [&self.processor, &memory, &self.kernel, &self.file_system];
        let known: Vec<&str> = machine
            .into_iter()
            .map(String::as_str)
            .filter(|text| !text.is_empty())
            .collect();
        if !known.is_empty() {
            text = format!("{text}\n{}", known.join(", "));
        }
        text
    }
}

/// `model name` on x86; other architectures say `Model` or nothing.
fn processor(cpuinfo: &str) -> String {
    let value = |key: &str| {
        cpuinfo.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name.trim() == key).then(|| value.trim().to_owned())
        })
    };
    let named = value("model name").or_else(|| value("Model"));
    named.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

fn memory(meminfo: &str) -> u64 {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// The mount with the longest path above `directory`; of several at one place the last one is on top.
fn file_system(mountinfo: &str, directory: &Path) -> String {
    let mut best = (0, String::new());
    for line in mountinfo.lines() {
        let Some((mount, source)) = line.split_once(" - ") else {
            continue;
        };
        let mut source = source.split(' ');
        let (Some(point), Some(kind)) = (mount.split(' ').nth(4), source.next()) else {
            continue;
        };
        if directory.starts_with(point) && point.len() >= best.0 {
            let text = match source.next().filter(|device| device.starts_with('/')) {
                Some(device) => format!("{kind} on {device}"),
                None => kind.to_owned(),
            };
            best = (point.len(), text);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_counts() {
        let mounts = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n\
                      2 1 0:5 / /var rw,nosuid shared:2 - tmpfs tmpfs rw\n\
                      3 1 8:2 / /variety rw - xfs /dev/sdb1 rw\n";
        let of = |path: &str| file_system(mounts, Path::new(path));
        assert_eq!(of("/home/a"), "ext4 on /dev/sda1");
        assert_eq!(of("/var/x"), "tmpfs");
        assert_eq!(of("/variety/x"), "xfs on /dev/sdb1");
    }

    #[test]
    fn the_kernels_files_are_read() {
        let cpuinfo = "processor\t: 0\nmodel name\t: A Processor @ 2 GHz\n";
        assert_eq!(processor(cpuinfo), "A Processor @ 2 GHz");
        assert_eq!(memory("MemFree: 1 kB\nMemTotal:       2048 kB\n"), 2 << 20);
    }

    #[test]
    fn this_host_has_a_name() {
        let host = HostFacts::of(&Program::nowhere(), &std::env::temp_dir());
        assert!(host.cores > 0 && !host.kernel.is_empty(), "{host:?}");
        assert!(host.tell().contains(&host.kernel));
    }
}
