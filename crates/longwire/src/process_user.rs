//! Who this process runs as, for messages about files that it may not open.

use std::fmt;
use std::fs;

/// The user of this process, as `longwire (uid 998)`, or `uid 998` where the user has no name here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProcessUser {
    uid: u32,
    name: Option<String>,
}

impl ProcessUser {
    /// Reads the table of users, which a container may lack.
    pub(crate) fn now() -> Self {
        let uid = rustix::process::geteuid().as_raw();
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        Self {
            uid,
            name: name_of(uid, &users),
        }
    }
}

/// The name in a table as `passwd(5)` describes it.
fn name_of(uid: u32, users: &str) -> Option<String> {
    let uid = uid.to_string();
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid && !name.is_empty()).then(|| name.to_owned())
    })
}

impl fmt::Display for ProcessUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} (uid {})", self.uid),
            None => write!(f, "uid {}", self.uid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_a_name_where_the_table_has_one() {
        let users = "root:x:0:0::/root:/bin/sh\n\nbroken\nlongwire:x:998:998::/:/bin/false\n";
        assert_eq!(name_of(998, users).as_deref(), Some("longwire"));
        assert_eq!(name_of(0, users).as_deref(), Some("root"));
        assert_eq!(name_of(99, users), None);
        let of = |uid, name: Option<&str>| {
            let name = name.map(str::to_owned);
            ProcessUser { uid, name }.to_string()
        };
        assert_eq!(of(998, Some("longwire")), "longwire (uid 998)");
        assert_eq!(of(7, None), "uid 7");
    }
}
