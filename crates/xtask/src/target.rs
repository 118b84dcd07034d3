//! The targets, and what each kind of package calls them.

use clap::ValueEnum;

/// What a binary is built for. Each is static: it runs on any Linux of its processor, also without a C library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// The C library is musl, linked in.
    #[value(name = "x86_64-unknown-linux-musl")]
    X86_64Musl,
    /// The same for 64-bit ARM.
    #[value(name = "aarch64-unknown-linux-musl")]
    Aarch64Musl,
    /// The C library is that of the host, linked in. It needs no further standard library, and builds nothing twice.
    #[value(name = "x86_64-unknown-linux-gnu")]
    X86_64Glibc,
}

/// The C library that is linked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Libc {
    Musl,
    Glibc,
}

impl Target {
    /// Rust's name for it.
    pub(crate) fn triple(self) -> &'static str {
        match self {
            Self::X86_64Musl => "x86_64-unknown-linux-musl",
            Self::Aarch64Musl => "aarch64-unknown-linux-musl",
            Self::X86_64Glibc => "x86_64-unknown-linux-gnu",
        }
    }

    /// The C library that is linked in.
    pub(crate) fn libc(self) -> Libc {
        match self {
            Self::X86_64Musl | Self::Aarch64Musl => Libc::Musl,
            Self::X86_64Glibc => Libc::Glibc,
        }
    }

    /// The processor.
    pub(crate) fn processor(self) -> Processor {
        match self {
            Self::X86_64Musl | Self::X86_64Glibc => Processor::X86_64,
            Self::Aarch64Musl => Processor::Aarch64,
        }
    }
}

/// What a binary runs on. Packages are called by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Processor {
    X86_64,
    Aarch64,
}

impl Processor {
    /// As Linux has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }

    /// As Debian has it.
    pub(crate) fn debian(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::Aarch64 => "arm64",
        }
    }

    /// As Node.js has it.
    pub(crate) fn node(self) -> &'static str {
        match self {
            Self::X86_64 => "x64",
            Self::Aarch64 => "arm64",
        }
    }

    /// The tags of a wheel with a static binary: any glibc since 2.17 and any musl, which are the oldest that pip knows of.
    pub(crate) fn wheel_tags(self) -> [String; 2] {
        let name = self.name();
        [
            format!("py3-none-manylinux_2_17_{name}"),
            format!("py3-none-musllinux_1_1_{name}"),
        ]
    }

    /// Its number in the header of an ELF file.
    pub(crate) fn elf_machine(self) -> u16 {
        match self {
            Self::X86_64 => 62,
            Self::Aarch64 => 183,
        }
    }
}
