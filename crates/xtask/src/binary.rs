//! Builds the static binary, and asks it for the texts that it prints itself.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::ValueEnum;

use crate::failure::Failure;
use crate::target::{Libc, Processor, Target};

/// How the binary is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// For users.
    Release,
    /// To try the packages: fast to make, slow to run.
    Dev,
}

impl Profile {
    /// The folder below the target directory.
    fn folder(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "debug",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "dev",
        }
    }
}

/// Where the repository is, and where cargo builds.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    pub(crate) root: PathBuf,
    pub(crate) target_directory: PathBuf,
}

/// The cargo that runs this task. It does not get to know what the outer one says about the package of this task: build
/// scripts that look at it would run again, and with them everything that is built on ring.
pub(crate) fn cargo() -> Command {
    let mut command =
        Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    for (name, _) in std::env::vars_os() {
        let of_package = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_CRATE_",
            "CARGO_BIN_",
        ];
        if of_package
            .iter()
            .any(|prefix| name.to_string_lossy().starts_with(prefix))
        {
            command.env_remove(name);
        }
    }
    command
}

/// Builds the binary and says where it is.
///
/// `crt-static` is asked of the last crate alone: the others do not depend on it. So the target of the host, with glibc,
/// shares everything but the binary itself with an ordinary build.
pub(crate) fn build(places: &Places, target: Target, profile: Profile) -> Result<PathBuf, Failure> {
    let mut command = cargo();
    command.current_dir(&places.root).args([
        "rustc",
        "--package=longwire",
        "--bin=longwire",
        "--locked",
        "--profile",
        profile.name(),
    ]);
    let mut folder = places.target_directory.clone();
    if target.libc() == Libc::Musl {
        require_standard_library(target)?;
        command.args(["--target", target.triple()]);
        folder.push(target.triple());
        set_musl_tools(&mut command, places, target)?;
    }
    if profile == Profile::Release {
        // A panic names the file it comes from. The directories of whoever built it are nobody's business, and would
        // make every build different.
        command.env("RUSTFLAGS", remapped(places));
    }
    command.args(["--", "-Ctarget-feature=+crt-static", "-Cstrip=symbols"]);
    run(&mut command, "cargo rustc")?;
    Ok(folder.join(profile.folder()).join("longwire"))
}

/// What `longwire` prints when asked with these arguments.
pub(crate) fn printed(longwire: &Path, arguments: &[&str]) -> Result<Vec<u8>, Failure> {
    let program = format!("{} {}", longwire.display(), arguments.join(" "));
    // Help takes the language of whoever asks; a package is for everybody.
    let output = Command::new(longwire)
        .args(arguments)
        .env("LONGWIRE_LANG", "en")
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| Failure::Start {
            program: program.clone(),
            source,
        })?;
    match output.status {
        status if status.success() => Ok(output.stdout),
        status => Err(Failure::Program { program, status }),
    }
}

/// A longwire that runs here: `built` itself, or for another processor one that is built for this host.
pub(crate) fn runnable(built: &Path, target: Target, places: &Places) -> Result<PathBuf, Failure> {
    if target.processor().name() == std::env::consts::ARCH {
        return Ok(built.to_owned());
    }
    let mut command = cargo();
    command
        .current_dir(&places.root)
        .args(["build", "--package=longwire", "--locked"]);
    run(&mut command, "cargo build")?;
    Ok(places.target_directory.join("debug/longwire"))
}

fn require_standard_library(target: Target) -> Result<(), Failure> {
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--print", "target-libdir", "--target", target.triple()]);
    let output = rustc.output().map_err(|source| Failure::Start {
        program: "rustc".to_owned(),
        source,
    })?;
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if output.status.success() && folder.is_dir() {
        return Ok(());
    }
    Err(Failure::NoStandardLibrary {
        triple: target.triple(),
    })
}

/// SQLite and the cryptography are C. Rust brings the C library and the linker of a musl target itself, and no compiler.
fn set_musl_tools(command: &mut Command, places: &Places, target: Target) -> Result<(), Failure> {
    let triple = target.triple().replace('-', "_");
    let compiler = format!("CC_{triple}");
    if std::env::var_os(&compiler).is_none() {
        command.env(&compiler, c_compiler(places, target, &compiler)?);
    }
    let linker = format!("CARGO_TARGET_{}_LINKER", triple.to_uppercase());
    if std::env::var_os(&linker).is_none() {
        command.env(linker, "rust-lld");
    }
    Ok(())
}

fn c_compiler(places: &Places, target: Target, variable: &str) -> Result<OsString, Failure> {
    if target.processor() == Processor::X86_64 && starts("musl-gcc", &["--version"]) {
        return Ok("musl-gcc".into());
    }
    let zig = [
        ("zig", &["version"][..]),
        ("python3", &["-m", "ziglang", "version"]),
    ];
    let Some((program, arguments)) = zig
        .into_iter()
        .find(|(program, asked)| starts(program, asked))
    else {
        return Err(Failure::NoCompiler {
            triple: target.triple(),
            variable: variable.to_owned(),
            programs: "musl-gcc nor zig",
        });
    };
    // `cc` is one word to whoever runs it, and zig's compiler is several.
    let (_, before) = arguments.split_last().unwrap_or((&"", &[]));
    let zig_target = format!("{}-linux-musl", target.processor().name());
    let words = [&[program], before].concat().join(" ");
    // The names that the crate `cc` gives targets are Rust's, which zig does not know.
    // Where nothing is optimized, zig adds checks whose functions only its own linker has.
    let script = format!(
        "#!/bin/sh\n# Made by `cargo xtask dist`.\nfor word; do\n  shift\n  case $word in --target=*) ;; *) set -- \"$@\" \"$word\" ;; esac\ndone\nexec {words} cc -target {zig_target} -fno-sanitize=undefined \"$@\"\n"
    );
    let folder = places.target_directory.join("xtask");
    let path = folder.join(format!("cc-{}", target.triple()));
    std::fs::create_dir_all(&folder).map_err(Failure::file("make", &folder))?;
    std::fs::write(&path, script).map_err(Failure::file("write", &path))?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&path, mode).map_err(Failure::file("allow to run", &path))?;
    Ok(path.into())
}

fn starts(program: &str, arguments: &[&str]) -> bool {
    let quiet = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    quiet.is_ok_and(|status| status.success())
}

/// The flags of the caller, and those that take the directories of this host out of the binary.
fn remapped(places: &Places) -> OsString {
    let mut flags = std::env::var_os("RUSTFLAGS").unwrap_or_default();
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let directories = [(home, "/cargo"), (Some(places.root.clone()), "/longwire")];
    for (directory, name) in directories {
        if let Some(directory) = directory {
            flags.push(" --remap-path-prefix=");
            flags.push(directory);
            flags.push("=");
            flags.push(name);
        }
    }
    flags
}

/// Runs a program whose output is for whoever waits.
fn run(command: &mut Command, program: &str) -> Result<(), Failure> {
    let status = command.status().map_err(|source| Failure::Start {
        program: program.to_owned(),
        source,
    })?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::Program {
        program: program.to_owned(),
        status,
    })
}
