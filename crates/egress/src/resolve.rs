//! Resolves names to addresses, with few threads for many dials.
//!
//! The system's resolver blocks, so each lookup occupies a thread of the arbiter's blocking pool. After an outage
//! thousands of bots dial the same two names. Therefore few lookups run at a time, at most one per name, and every
//! answer, also a failure, is reused for a while.
//!
//! A name server that hangs occupies one of these few lookups until the system gives up. Therefore the last good
//! addresses of a name are kept for longer, and are used when a new lookup fails or takes long. So a hanging name server
//! of one platform does not stop the bots of another.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;

use crate::sockets::is_out_of_files;

/// How long a failure is reused. It answers all dials that waited for it, and does not delay the next attempt of any
/// backoff.
const FAILURE_TTL: Duration = Duration::from_secs(1);

/// How long a dial waits for a new answer if the name has last good addresses. A working name server answers much
/// faster, and the deadline of a dial is much longer.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// How long the last good addresses of a name are kept. A name is looked up again only when its connection is lost, which
/// may be days later. If the address belongs to somebody else by then, TLS fails the dial, as a missing answer would.
const LAST_GOOD_TTL: Duration = Duration::from_secs(7 * 24 * 3600);

/// The largest number of names. Above it, names whose answers have expired are removed.
const MAX_NAMES: usize = 1024;

/// Looks a name up in the system; blocks.
pub(crate) type Lookup = fn(&str) -> io::Result<Vec<IpAddr>>;

pub(crate) struct Resolver {
    lookup: Lookup,
    permits: Arc<Semaphore>,
    ttl: Duration,
    failure_ttl: Duration,
    max_wait: Duration,
    last_good_ttl: Duration,
    names: RefCell<HashMap<String, Rc<Name>>>,
}

#[derive(Default)]
struct Name {
    /// The lookup that is under way holds the lock; everybody else waits for the answer.
    answer: Arc<Mutex<Option<Answer>>>,
    last_good: RefCell<Option<LastGood>>,
}

/// The addresses that a name had when it was last looked up with success.
struct LastGood {
    until: Instant,
    addresses: Vec<IpAddr>,
}

struct Answer {
    until: Instant,
    addresses: Result<Vec<IpAddr>, Failure>,
}

/// A failed lookup, since an [`io::Error`] cannot be given to several.
#[derive(Clone)]
enum Failure {
    /// The system's number for it.
    System(i32),
    Other(io::ErrorKind, String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(code) => Self::System(code),
            None => Self::Other(error.kind(), error.to_string()),
        }
    }
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::System(code) => Self::from_raw_os_error(code),
            Failure::Other(kind, text) => Self::new(kind, text),
        }
    }
}

impl Resolver {
    pub(crate) fn new(concurrent: usize, ttl: Duration) -> Self {
        Self::with_lookup(system_lookup, concurrent, ttl)
    }

    pub(crate) fn with_lookup(lookup: Lookup, concurrent: usize, ttl: Duration) -> Self {
        Self {
            lookup,
            permits: Arc::new(Semaphore::new(concurrent.max(1))),
            ttl,
            failure_ttl: FAILURE_TTL.min(ttl),
            max_wait: MAX_WAIT,
            last_good_ttl: LAST_GOOD_TTL,
            names: RefCell::default(),
        }
    }

    /// The addresses of `host`, at least one. A `host` that is an address, with or without brackets, is returned as it is.
    /// If the lookup fails or takes longer than [`MAX_WAIT`], the name's last good addresses are returned, if they are
    /// still kept.
    pub(crate) async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        if let Ok(address) = bare.parse() {
            return Ok(vec![address]);
        }
        let name = self.name(host);
        let fresh = self.fresh(&name, host);
        let Some(known) = name.last_good() else {
            return fresh.await;
        };
        match tokio::time::timeout(self.max_wait, fresh).await {
            Ok(Ok(addresses)) => Ok(addresses),
            // Without free files on this host the lookup says nothing about the name.
            Ok(Err(error)) if is_out_of_files(&error) => Err(error),
            Ok(Err(_)) | Err(_) => Ok(known),
        }
    }

    /// The answer of the last lookup if it can be reused, else of a new lookup.
    async fn fresh(&self, name: &Rc<Name>, host: &str) -> io::Result<Vec<IpAddr>> {
        let mut answer = Arc::clone(&name.answer).lock_owned().await;
        if let Some(known) = answer.as_ref().filter(|known| known.until > Instant::now()) {
            return known.get();
        }
        let lookup = look_up(self.lookup, Arc::clone(&self.permits), host.to_owned());
        let (ttl, failure_ttl, last_good_ttl) = (self.ttl, self.failure_ttl, self.last_good_ttl);
        let name = Rc::clone(name);
        // The lookup belongs to the name and outlives a dial that is given up; the next dial waits for the same lookup.
        // If each dial had its own, dials to a name that hangs would take all permits, and no name could be looked up.
        let answered = actix_rt::spawn(async move {
            let addresses = lookup.await;
            if let Ok(addresses) = &addresses {
                name.keep(addresses, last_good_ttl);
            }
            let ttl = if addresses.is_ok() { ttl } else { failure_ttl };
            let fresh = Answer {
                until: Instant::now() + ttl,
                addresses: addresses.map_err(Failure::from),
            };
            answer.insert(fresh).get()
        });
        answered.await.map_err(io::Error::other)?
    }

    fn name(&self, host: &str) -> Rc<Name> {
        let mut names = self.names.borrow_mut();
        if let Some(name) = names.get(host) {
            return Rc::clone(name);
        }
        if names.len() >= MAX_NAMES {
            let now = Instant::now();
            names.retain(|_, name| match name.answer.try_lock() {
                Ok(answer) => answer.as_ref().is_some_and(|answer| answer.until > now),
                Err(_) => true,
            });
        }
        Rc::clone(names.entry(host.to_owned()).or_default())
    }
}

impl Name {
    fn keep(&self, addresses: &[IpAddr], last_good_ttl: Duration) {
        *self.last_good.borrow_mut() = Some(LastGood {
            until: Instant::now() + last_good_ttl,
            addresses: addresses.to_vec(),
        });
    }

    /// Its last good addresses, while they are kept.
    fn last_good(&self) -> Option<Vec<IpAddr>> {
        let known = self.last_good.borrow();
        let known = known.as_ref().filter(|known| known.until > Instant::now());
        known.map(|known| known.addresses.clone())
    }
}

impl Answer {
    fn get(&self) -> io::Result<Vec<IpAddr>> {
        self.addresses.clone().map_err(io::Error::from)
    }
}

async fn look_up(lookup: Lookup, permits: Arc<Semaphore>, host: String) -> io::Result<Vec<IpAddr>> {
    let permit = permits
        .acquire_owned()
        .await
        .map_err(|_| io::Error::other("the resolver is closed"))?;
    let addresses = actix_rt::task::spawn_blocking(move || {
        let _permit = permit;
        lookup(&host)
    })
    .await
    .map_err(io::Error::other)??;
    if addresses.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "the name has no address",
        ));
    }
    Ok(addresses)
}

fn system_lookup(host: &str) -> io::Result<Vec<IpAddr>> {
    // The port does not matter to the lookup.
    Ok((host, 0)
        .to_socket_addrs()?
        .map(|address| address.ip())
        .collect())
}

#[cfg(test)]
mod tests;
