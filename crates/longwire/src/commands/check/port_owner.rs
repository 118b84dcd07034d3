//! Which process listens on a port of this host, as the kernel tells it below `/proc`.
//!
//! `/proc/net/tcp` has the inode of each listening socket, and a process that has it open has a link `socket:[inode]` among its
//! open files. Those of other users' processes are shown to root alone.

use std::fmt;
use std::fs;

/// A process that listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PortOwner {
    /// Its id.
    pub(super) pid: u32,
    name: String,
}

impl fmt::Display for PortOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} ({})", self.pid, self.name)
    }
}

/// Who listens on this port. `None` where the kernel does not tell this user.
pub(super) fn owner_of(port: u16) -> Option<PortOwner> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    let inodes: Vec<String> = tables
        .into_iter()
        .flatten()
        .flat_map(|table| listening(&table, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes.into_iter().find_map(|process| {
        let pid: u32 = process.file_name().to_str()?.parse().ok()?;
        let files = fs::read_dir(process.path().join("fd")).ok()?.flatten();
        let links = files.filter_map(|file| fs::read_link(file.path()).ok());
        let mut links = links.filter_map(|link| link.into_os_string().into_string().ok());
        links.find(|link| inodes.contains(link))?;
        let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
        Some(PortOwner {
            pid,
            name: name.trim().to_owned(),
        })
    })
}

/// The inodes of the sockets that listen on this port, by a table as `proc(5)` describes it.
fn listening(table: &str, port: u16) -> Vec<u64> {
    /// The state of a socket that listens.
    const LISTEN: &str = "0A";
    let inode = |line: &str| -> Option<u64> {
        let mut columns = line.split_whitespace();
        let (_, local_port) = columns.nth(1)?.rsplit_once(':')?;
        let state = columns.nth(1)?;
        let is_it = state == LISTEN && u16::from_str_radix(local_port, 16) == Ok(port);
        is_it.then(|| columns.nth(5)?.parse().ok()).flatten()
    };
    table.lines().skip(1).filter_map(inode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1E14 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1E15 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000000000000000 100 0 0 10 0
   2: 0100007F:1E14 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4713 1 0000000000000000 20 4 30 10 -1
";

    #[test]
    fn only_what_listens_on_the_port_counts() {
        assert_eq!(listening(TABLE, 7700), [4711]);
        assert_eq!(listening(TABLE, 7701), [4712]);
        assert_eq!(listening(TABLE, 80), [0; 0]);
        assert_eq!(listening("nonsense\nmore nonsense", 7700), [0; 0]);
    }

    #[test]
    fn this_process_owns_what_it_listens_on() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let owner = owner_of(port).expect("the kernel tells a process of itself");
        assert_eq!(owner.pid, std::process::id());
        assert!(owner.to_string().starts_with("process "), "{owner}");
    }
}
