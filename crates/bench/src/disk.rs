//! A file system for the store alone, on which a disk's troubles are real: it fills up, it hangs, it takes no writes.
//!
//! An ext4 image on a loop device, mounted in a mount namespace of its own: only the thread that made it, and the
//! processes and threads it starts afterwards, see it, and it vanishes with them, however they end. Making one needs
//! root, `mount` and `mkfs.ext4`.
//!
//! A process that writes to a frozen file system stays in the kernel, where not even SIGKILL ends it. So what freezes is a
//! process of its own that thaws as soon as this one lets go of it or is gone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::thread::UnshareFlags;

/// Freezes, says so, waits until standard input ends, thaws. Signals from a terminal must not come between.
const FREEZE: &str = "trap '' INT TERM HUP
fsfreeze --freeze \"$0\" || exit 1
echo frozen
while read -r _; do :; done
fsfreeze --unfreeze \"$0\"";

/// A mounted one; dropping it takes it out of sight.
#[derive(Debug)]
pub struct Volume {
    directory: PathBuf,
}

/// It takes no writes, and does not say so: who writes hangs. Dropping this thaws it.
#[derive(Debug)]
pub struct Frozen {
    keeper: Child,
}

impl Volume {
    /// Makes one of `size_bytes`, of which only what is written takes room in `parent`, and mounts it there.
    ///
    /// # Errors
    /// When it is not allowed, or a program is missing.
    pub fn mount(parent: &Path, size_bytes: u64) -> io::Result<Self> {
        let image = parent.join("volume.img");
        let directory = parent.join("volume");
        File::create(&image)?.set_len(size_bytes)?;
        fs::create_dir_all(&directory)?;
        leave_the_namespace()?;
        run(Command::new("mount").args(["--make-rprivate", "/"]))?;
        // Nothing is kept back for root, who is to find the disk full. Blocks are as large as a page, as on any disk
        // of today and not on a small image: a page of SQLite's shared memory that finds no block is a SIGBUS.
        run(Command::new("mkfs.ext4")
            .args(["-q", "-F", "-m", "0", "-b", "4096"])
            .arg(&image))?;
        run(Command::new("mount")
            .args(["-t", "ext4", "-o", "loop,noatime"])
            .args([&image, &directory]))?;
        Ok(Self { directory })
    }

    /// Where it is mounted.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Takes all the room there is.
    ///
    /// # Errors
    /// For any other reason than a full disk.
    pub fn fill(&self) -> io::Result<()> {
        let mut ballast = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.ballast())?;
        let mut bytes = vec![0; 1 << 20];
        let mut length = free_bytes(&self.directory)?;
        // First what is known to be free, in one go; then, in ever smaller pieces, what is left.
        while length >= 1 << 20 {
            let at = ballast.metadata()?.len();
            let flags = rustix::fs::FallocateFlags::empty();
            match rustix::fs::fallocate(&ballast, flags, at, length) {
                Ok(()) => break,
                Err(rustix::io::Errno::NOSPC) => length /= 2,
                Err(error) => return Err(error.into()),
            }
        }
        while !bytes.is_empty() {
            match ballast.write_all(&bytes).and_then(|()| ballast.sync_data()) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                    bytes.truncate(bytes.len() / 2);
                    // What has begun to be written is not taken back.
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Gives the room back.
    ///
    /// # Errors
    /// When the file that took it cannot be removed.
    pub fn empty(&self) -> io::Result<()> {
        fs::remove_file(self.ballast())
    }

    fn ballast(&self) -> PathBuf {
        self.directory.join("ballast")
    }

    /// Has every write to it hang, until what is returned is dropped.
    ///
    /// # Errors
    /// When it is not allowed.
    pub fn freeze(&self) -> io::Result<Frozen> {
        let mut keeper = Command::new("sh")
            .args(["-c", FREEZE])
            .arg(&self.directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = String::new();
        if let Some(output) = keeper.stdout.take() {
            BufReader::new(output).read_line(&mut said)?;
        }
        let frozen = Frozen { keeper };
        if said.trim_end() == "frozen" {
            Ok(frozen)
        } else {
            Err(io::Error::other("the file system cannot be frozen"))
        }
    }

    /// Has every write to what is in it refused, also to files that are open, and nothing be made or removed in it. But
    /// for SQLite's shared memory: that is a mapping, and a process that writes to a forbidden one is killed (SIGBUS).
    ///
    /// # Errors
    /// When it is not allowed.
    pub fn forbid_writes(&self) -> io::Result<()> {
        self.change_attributes("+i")
    }

    /// The end of it.
    ///
    /// # Errors
    /// When it is not allowed.
    pub fn allow_writes(&self) -> io::Result<()> {
        self.change_attributes("-i")
    }

    fn change_attributes(&self, change: &str) -> io::Result<()> {
        let mut chattr = Command::new("chattr");
        chattr.arg(change).arg(&self.directory);
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let is_mapped = entry.file_name().to_string_lossy().ends_with("-shm");
            if entry.file_type()?.is_file() && !is_mapped {
                chattr.arg(entry.path());
            }
        }
        run(&mut chattr)
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // Fails only where it is not mounted any more.
        drop(run(Command::new("umount")
            .arg("--lazy")
            .arg(&self.directory)));
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // Fails only when it is gone already.
        drop(self.keeper.wait());
    }
}

/// From here on, mounts of this thread are its own.
#[allow(
    deprecated,
    reason = "what made it unsafe is the sharing of file descriptors, and NEWNS does not touch that"
)]
fn leave_the_namespace() -> io::Result<()> {
    Ok(rustix::thread::unshare(UnshareFlags::NEWNS)?)
}

fn free_bytes(directory: &Path) -> io::Result<u64> {
    let volume = rustix::fs::statvfs(directory)?;
    Ok(volume.f_bavail.saturating_mul(volume.f_frsize))
}

fn run(command: &mut Command) -> io::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| io::Error::new(error.kind(), format!("{program}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(format!("{program}: {words}")))
}
