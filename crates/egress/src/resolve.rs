//! Names to addresses, without a thread per dial.
//!
//! The system's resolver blocks, so each lookup takes a thread of the arbiter's blocking pool. A fleet that
//! comes back after an outage dials the same two names thousands of times: lookups are few at a time,
//! one per name, and their answers, failures too, are used again for a while.
//!
//! All names share those few places, and a name server that hangs holds one for as long as the system waits for it. So the
//! last good addresses of a name outlive their time, and are the answer where a fresh one does not come soon: one
//! platform's name server keeps no bot of another one from coming back.

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

/// A failure is believed for this long: enough to answer all who waited for it, short enough not to delay
/// the next attempt of anybody's backoff.
const FAILURE_TTL: Duration = Duration::from_secs(1);

/// How long a fresh answer is waited for where the name had one before. Name servers that work answer within a fraction of
/// that, and a dial may take much longer.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long the last good addresses of a name are kept. The name of a connection is looked up again only when the
/// connection is lost, which may be days later. An address that is somebody else's by then fails the dial, as no answer
/// would, since TLS tells who has it.
const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// Names kept at most. Past it, those whose answers have expired are forgotten.
const MAX_NAMES: usize = 1024;

pub(crate) type Lookup = fn(&str) -> io::Result<Vec<IpAddr>>;

pub(crate) struct Resolver {
    lookup: Lookup,
    permits: Arc<Semaphore>,
    ttl: Duration,
    failure_ttl: Duration,
    patience: Duration,
    kept_for: Duration,
    names: RefCell<HashMap<String, Rc<Name>>>,
}

#[derive(Default)]
struct Name {
    /// The lookup that is under way holds the lock; everybody else waits for the answer.
    answer: Arc<Mutex<Option<Answer>>>,
    last_good: RefCell<Option<Known>>,
}

/// The addresses that a name had when it was last looked up with success.
struct Known {
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
            patience: PATIENCE,
            kept_for: KEPT_FOR,
            names: RefCell::default(),
        }
    }

    /// The addresses of `host`, at least one. An address stands for itself, brackets allowed. Where the lookup takes long or
    /// fails, they are those that the name had before, if that is not too long ago.
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
        match tokio::time::timeout(self.patience, fresh).await {
            Ok(Ok(addresses)) => Ok(addresses),
            // This host's own lack is no word about the name.
            Ok(Err(error)) if is_out_of_files(&error) => Err(error),
            Ok(Err(_)) | Err(_) => Ok(known),
        }
    }

    /// The answer to a lookup that is at most so old as answers are used again.
    async fn fresh(&self, name: &Rc<Name>, host: &str) -> io::Result<Vec<IpAddr>> {
        let mut answer = Arc::clone(&name.answer).lock_owned().await;
        if let Some(known) = answer.as_ref().filter(|known| known.until > Instant::now()) {
            return known.get();
        }
        let lookup = look_up(self.lookup, Arc::clone(&self.permits), host.to_owned());
        let (ttl, failure_ttl, kept_for) = (self.ttl, self.failure_ttl, self.kept_for);
        let name = Rc::clone(name);
        // The lookup is the name's and not the dial's. When a dial is given up, whoever dials next waits for the lookup
        // that is under way. With one of its own each dial to a name that hangs would take another permit, until nobody
        // finds an address any more.
        let answered = actix_rt::spawn(async move {
            let addresses = lookup.await;
            if let Ok(addresses) = &addresses {
                name.keep(addresses, kept_for);
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
    fn keep(&self, addresses: &[IpAddr], kept_for: Duration) {
        *self.last_good.borrow_mut() = Some(Known {
            until: Instant::now() + kept_for,
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
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;

    #[actix_rt::test]
    async fn an_address_needs_no_lookup() {
        let resolver = Resolver::with_lookup(|_| panic!("looked up"), 1, Duration::ZERO);
        for host in ["127.0.0.1", "::1", "[::1]"] {
            assert_eq!(resolver.resolve(host).await.expect("an address").len(), 1);
        }
    }

    #[actix_rt::test]
    async fn many_dials_share_one_lookup() {
        static LOOKUPS: AtomicUsize = AtomicUsize::new(0);
        let lookup: Lookup = |_| {
            LOOKUPS.fetch_add(1, Ordering::SeqCst);
            Ok(vec![Ipv4Addr::LOCALHOST.into()])
        };
        let resolver = Resolver::with_lookup(lookup, 4, Duration::from_secs(3600));
        let answers = join_all((0..1000).map(|_| resolver.resolve("host.example"))).await;
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(LOOKUPS.load(Ordering::SeqCst), 1);
    }

    #[actix_rt::test]
    async fn a_failure_answers_all_who_waited_for_it() {
        static LOOKUPS: AtomicUsize = AtomicUsize::new(0);
        let lookup: Lookup = |_| {
            LOOKUPS.fetch_add(1, Ordering::SeqCst);
            Err(io::Error::other("no such name"))
        };
        let mut resolver = Resolver::with_lookup(lookup, 4, Duration::from_secs(3600));
        resolver.failure_ttl = resolver.ttl;
        let answers = join_all((0..100).map(|_| resolver.resolve("host.example"))).await;
        assert!(answers.iter().all(Result::is_err));
        assert_eq!(LOOKUPS.load(Ordering::SeqCst), 1);
        // Not for longer than a success, though.
        let resolver = Resolver::with_lookup(lookup, 4, Duration::ZERO);
        for _ in 0..2 {
            resolver
                .resolve("host.example")
                .await
                .expect_err("no such name");
        }
        assert_eq!(LOOKUPS.load(Ordering::SeqCst), 3);
    }

    #[actix_rt::test]
    async fn the_systems_own_number_is_kept() {
        let lookup: Lookup = |_| Err(crate::sockets::out_of_files());
        let resolver = Resolver::with_lookup(lookup, 4, Duration::from_secs(3600));
        for _ in 0..2 {
            let failed = resolver.resolve("host.example").await;
            assert!(crate::sockets::is_out_of_files(
                &failed.expect_err("no file")
            ));
        }
    }

    #[actix_rt::test]
    async fn lookups_run_few_at_a_time() {
        static RUNNING: AtomicUsize = AtomicUsize::new(0);
        static MOST: AtomicUsize = AtomicUsize::new(0);
        let lookup: Lookup = |_| {
            let running = RUNNING.fetch_add(1, Ordering::SeqCst) + 1;
            MOST.fetch_max(running, Ordering::SeqCst);
            std::thread::yield_now();
            RUNNING.fetch_sub(1, Ordering::SeqCst);
            Ok(vec![Ipv4Addr::LOCALHOST.into()])
        };
        let resolver = &Resolver::with_lookup(lookup, 2, Duration::from_secs(3600));
        join_all((0..100).map(|n| async move { resolver.resolve(&format!("{n}.example")).await }))
            .await;
        assert!((1..=2).contains(&MOST.load(Ordering::SeqCst)));
    }

    /// Dials have deadlines and lookups have none. One that is given up must not leave another place taken each time, or
    /// a name that hangs would keep all others from being looked up.
    #[actix_rt::test]
    async fn a_name_that_hangs_takes_one_place() {
        static HANGS: AtomicBool = AtomicBool::new(true);
        static LOOKUPS: AtomicUsize = AtomicUsize::new(0);
        let lookup: Lookup = |host| {
            if host == "hanging.example" {
                LOOKUPS.fetch_add(1, Ordering::SeqCst);
                while HANGS.load(Ordering::SeqCst) {
                    std::thread::park_timeout(Duration::from_millis(1));
                }
            }
            Ok(vec![Ipv4Addr::LOCALHOST.into()])
        };
        let resolver = Resolver::with_lookup(lookup, 2, Duration::from_secs(3600));
        for _ in 0..5 {
            let hanging = resolver.resolve("hanging.example");
            let given_up = tokio::time::timeout(Duration::from_millis(10), hanging).await;
            given_up.expect_err("it hangs");
        }
        let healthy = resolver.resolve("healthy.example");
        let healthy = tokio::time::timeout(Duration::from_secs(10), healthy).await;
        HANGS.store(false, Ordering::SeqCst);
        healthy
            .expect("a place is free")
            .expect("it has an address");
        // What was given up goes on, and is the answer of whoever asks next.
        resolver
            .resolve("hanging.example")
            .await
            .expect("it hangs no more");
        assert_eq!(LOOKUPS.load(Ordering::SeqCst), 1);
    }

    /// Names that hang may take every place there is. Whoever was reached before is reached all the same.
    #[actix_rt::test]
    async fn a_name_that_was_known_needs_no_place() {
        static HANGS: AtomicBool = AtomicBool::new(true);
        let lookup: Lookup = |host| {
            while host == "hanging.example" && HANGS.load(Ordering::SeqCst) {
                std::thread::park_timeout(Duration::from_millis(1));
            }
            Ok(vec![Ipv4Addr::LOCALHOST.into()])
        };
        // No answer is used again, so each dial needs a lookup.
        let resolver = Resolver {
            patience: Duration::from_millis(10),
            ..Resolver::with_lookup(lookup, 1, Duration::ZERO)
        };
        let first = resolver.resolve("healthy.example").await;
        let first = first.expect("an address");
        let hanging = resolver.resolve("hanging.example");
        let given_up = tokio::time::timeout(Duration::from_millis(10), hanging).await;
        given_up.expect_err("it hangs");
        for _ in 0..3 {
            let again = resolver.resolve("healthy.example");
            let again = tokio::time::timeout(Duration::from_secs(10), again).await;
            HANGS.store(again.is_ok(), Ordering::SeqCst);
            let again = again.expect("it waits for no place");
            assert_eq!(again.expect("the address it had"), first);
        }
        HANGS.store(false, Ordering::SeqCst);
    }

    /// A name server that fails is no reason to be deaf either. A name that never had an address has none.
    #[actix_rt::test]
    async fn a_failure_does_not_take_away_what_was_known() {
        static FAILS: AtomicBool = AtomicBool::new(false);
        let lookup: Lookup = |_| match FAILS.load(Ordering::SeqCst) {
            false => Ok(vec![Ipv4Addr::LOCALHOST.into()]),
            true => Err(io::Error::other("temporary failure in name resolution")),
        };
        let resolver = Resolver::with_lookup(lookup, 1, Duration::ZERO);
        let forgetful = Resolver {
            kept_for: Duration::ZERO,
            ..Resolver::with_lookup(lookup, 1, Duration::ZERO)
        };
        let first = resolver.resolve("known.example").await;
        let first = first.expect("an address");
        let same = forgetful.resolve("known.example").await;
        assert_eq!(same.expect("an address"), first);
        FAILS.store(true, Ordering::SeqCst);
        let later = forgetful.resolve("known.example").await;
        later.expect_err("what was known is too old");
        let again = resolver.resolve("known.example").await;
        assert_eq!(again.expect("the address it had"), first);
        let unknown = resolver.resolve("unknown.example").await;
        unknown.expect_err("it never had one");
    }

    #[actix_rt::test]
    async fn names_are_forgotten() {
        let lookup: Lookup = |_| Ok(vec![Ipv4Addr::LOCALHOST.into()]);
        let resolver = Resolver::with_lookup(lookup, 4, Duration::ZERO);
        for n in 0..MAX_NAMES + 10 {
            resolver
                .resolve(&format!("{n}.example"))
                .await
                .expect("an address");
        }
        assert!(resolver.names.borrow().len() <= MAX_NAMES);
    }
}
