//! The running server's side: it can be asked at any time, and gives its bots away one by one.
//!
//! One task has the machine and hears everything; tasks of their own wait for the fleet and for the connection.

use std::io;
use std::net::TcpListener;
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use longwire_fleet::{ConnectionStanding, Fleet};
use longwire_installation::InstallationId;
use longwire_store::Store;
use longwire_takeover::{
    BotId, Hello, Predecessor, PredecessorAction, PredecessorPhase, Refused, TakeoverMessage,
    Welcome, descriptors,
};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};

use super::batches;
use super::channel::{self, MessageReader, REFUSED, WELCOME};

/// How long whoever connects may take to say who it is.
const HELLO_LIMIT: Duration = Duration::from_secs(5);
/// What may wait for the task. Whoever finds no place waits.
const EVENTS: usize = 256;
/// How long a bot that is given away may take to answer what it has in hand.
const GIVE_LIMIT: Duration = Duration::from_secs(5);
/// How often the log says how far it is.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// What a server hands over.
pub(crate) struct HandedOver {
    pub(crate) fleet: Fleet,
    pub(crate) store: Store,
    /// The public listener and the admin listener.
    pub(crate) listeners: [TcpListener; 2],
}

/// Waits for a new process. Dropping it does not end a takeover.
pub(crate) struct TakeoverServer {
    /// The new process's id, once it has all bots.
    let_go: watch::Receiver<Option<u32>>,
    /// Whether that process is gone.
    is_gone: Arc<AtomicBool>,
    path: PathBuf,
}

impl TakeoverServer {
    /// Listens at this path, which only this user may use. What another server has left there is removed: the store's lock says
    /// that none runs.
    pub(crate) fn start(path: PathBuf, handed_over: HandedOver) -> io::Result<Self> {
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        let (tell, let_go) = watch::channel(None);
        let is_gone = Arc::new(AtomicBool::new(false));
        let (events, heard) = mpsc::channel(EVENTS);
        let task = Task {
            handed_over,
            machine: Predecessor::default(),
            session: 0,
            pid: 0,
            to_successor: None,
            events,
            let_go: tell,
            is_gone: Arc::clone(&is_gone),
        };
        actix_rt::spawn(task.run(listener, heard));
        Ok(Self {
            let_go,
            is_gone,
            path,
        })
    }

    /// Waits until a new process has taken all bots over and this one is to end; returns that process's id.
    pub(crate) async fn let_go(&mut self) -> u32 {
        match self.let_go.wait_for(Option::is_some).await {
            Ok(pid) => pid.unwrap_or_default(),
            // The task lives as long as the system.
            Err(_) => std::future::pending().await,
        }
    }

    /// Whether the new process is gone after it had all bots.
    pub(crate) fn successor_is_gone(&self) -> bool {
        self.is_gone.load(Relaxed)
    }

    /// This server ends without a new process: nobody is to ask it any more. Not waited for, because the disk may stall.
    pub(crate) fn remove(&self) {
        let path = self.path.clone();
        drop(actix_rt::task::spawn_blocking(move || remove(&path)));
    }
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::debug!(%error, path = %path.display(), "the socket of takeovers stays");
    }
}

/// What the task hears.
enum Event {
    /// A process asks.
    Asked(UnixStream, Hello),
    /// The process of this session says something.
    Heard(u64, TakeoverMessage),
    /// It is gone.
    Closed(u64),
    /// The fleet leaves the bot to it.
    Announced(u64, BotId),
    /// The bot has no connection here any more.
    Given(u64, BotId, Option<i64>),
}

struct Task {
    handed_over: HandedOver,
    machine: Predecessor,
    /// Counts takeovers, so that news of an earlier one change nothing.
    session: u64,
    pid: u32,
    to_successor: Option<OwnedWriteHalf>,
    events: mpsc::Sender<Event>,
    let_go: watch::Sender<Option<u32>>,
    is_gone: Arc<AtomicBool>,
}

impl Task {
    async fn run(mut self, listener: UnixListener, mut heard: mpsc::Receiver<Event>) {
        let mut tells = tokio::time::interval(TELL_EVERY);
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        actix_rt::spawn(greet(stream, self.events.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a new process cannot ask to take over; trying again in 1 s");
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                },
                Some(event) = heard.recv() => self.hear(event).await,
                _ = tells.tick() => self.tell(),
            }
            self.carry_out().await;
        }
    }

    fn tell(&self) {
        if self.machine.phase() == PredecessorPhase::Giving {
            tracing::info!(
                new_pid = self.pid,
                given = self.machine.given(),
                bots = self.handed_over.fleet.standings().len(),
                "a new process is taking over"
            );
        }
    }

    async fn hear(&mut self, event: Event) {
        match event {
            Event::Asked(stream, hello) => self.asked(stream, &hello).await,
            Event::Heard(session, message) if session == self.session => {
                self.machine.handle_message(&message);
            }
            Event::Closed(session) if session == self.session => {
                self.to_successor = None;
                if self.machine.phase() == PredecessorPhase::Giving {
                    tracing::warn!(
                        new_pid = self.pid,
                        given = self.machine.given(),
                        "the new process ended before it had taken over; this one goes on and connects its bots again"
                    );
                } else {
                    self.is_gone.store(true, Relaxed);
                }
                self.machine.handle_closed();
            }
            Event::Announced(session, bot) if session == self.session => {
                self.machine.handle_announced(bot);
            }
            Event::Given(session, bot, ended_ms) if session == self.session => {
                self.machine.handle_given(bot, ended_ms);
            }
            Event::Heard(..) | Event::Closed(_) | Event::Announced(..) | Event::Given(..) => {}
        }
    }

    async fn asked(&mut self, mut stream: UnixStream, hello: &Hello) {
        let answered = match self.machine.handle_hello(hello) {
            Ok(()) => self.welcome(stream, hello).await,
            Err(refusal) => {
                tracing::warn!(new_pid = hello.pid, reason = %refusal, "a takeover is refused");
                let refused = TakeoverMessage::Refused(Refused {
                    code: refusal.code(),
                });
                match descriptors::send(&stream, REFUSED, &[]) {
                    Ok(()) => channel::send(&mut stream, &refused).await,
                    Err(error) => Err(error),
                }
            }
        };
        if let Err(error) = answered {
            tracing::warn!(%error, new_pid = hello.pid, "a process that asked to take over cannot be answered");
        }
    }

    async fn welcome(&mut self, stream: UnixStream, hello: &Hello) -> io::Result<()> {
        self.session += 1;
        self.pid = hello.pid;
        let begun = self.begin(stream).await;
        if begun.is_err() {
            self.machine.handle_closed();
        } else {
            tracing::info!(
                new_pid = hello.pid,
                new_version = hello.version,
                "a new process takes over: its bots are connected there one by one"
            );
        }
        begun
    }

    async fn begin(&mut self, stream: UnixStream) -> io::Result<()> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        batches::record_all(self.handed_over.store.clone(), ours)?;
        let [api, admin] = &self.handed_over.listeners;
        let files = [api.as_fd(), admin.as_fd(), theirs.as_fd()];
        descriptors::send(&stream, WELCOME, &files)?;
        let live = self.handed_over.fleet.standings().into_iter();
        let live = live.filter(|bot| bot.connection == ConnectionStanding::Live);
        let welcome = TakeoverMessage::Welcome(Welcome {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            live: live.map(|bot| bot.installation.0).collect(),
        });
        let (reader, mut writer) = channel::split(stream);
        channel::send(&mut writer, &welcome).await?;
        self.to_successor = Some(writer);
        actix_rt::spawn(listen(reader, self.session, self.events.clone()));
        Ok(())
    }

    async fn carry_out(&mut self) {
        while let Some(action) = self.machine.poll_action() {
            let (session, events) = (self.session, self.events.clone());
            let fleet = self.handed_over.fleet.clone();
            match action {
                PredecessorAction::Send(message) => {
                    if let Some(writer) = &mut self.to_successor
                        && channel::send(writer, &message).await.is_err()
                    {
                        // Its reader finds that out, too.
                        self.to_successor = None;
                    }
                }
                PredecessorAction::Announce(bot) => {
                    actix_rt::spawn(async move {
                        fleet.announce(InstallationId(bot)).await;
                        let _ = events.send(Event::Announced(session, bot)).await;
                    });
                }
                PredecessorAction::Give(bot) => {
                    actix_rt::spawn(async move {
                        let ended_ms = fleet.give(InstallationId(bot), GIVE_LIMIT).await;
                        let _ = events.send(Event::Given(session, bot, ended_ms)).await;
                    });
                }
                PredecessorAction::TakeBack => fleet.take_back(),
                PredecessorAction::LetGo => {
                    self.let_go.send_replace(Some(self.pid));
                }
            }
        }
    }
}

/// Hears who it is that has connected, if it is this user.
async fn greet(mut stream: UnixStream, events: mpsc::Sender<Event>) {
    let user = stream.peer_cred().map(|peer| peer.uid());
    let own = rustix::process::geteuid().as_raw();
    if !user.as_ref().is_ok_and(|user| *user == own || *user == 0) {
        tracing::warn!(?user, "another user asked to take over, and got no answer");
        return;
    }
    // Nothing follows the hello before it is answered.
    let mut reader = MessageReader::of(&mut stream);
    let hello = tokio::time::timeout(HELLO_LIMIT, reader.next()).await;
    match hello {
        Ok(Ok(Some(TakeoverMessage::Hello(hello)))) => {
            let _ = events.send(Event::Asked(stream, hello)).await;
        }
        other => tracing::warn!(?other, "who asked to take over did not say who it is"),
    }
}

async fn listen(mut reader: MessageReader, session: u64, events: mpsc::Sender<Event>) {
    loop {
        match reader.next().await {
            Ok(Some(message)) => {
                if events.send(Event::Heard(session, message)).await.is_err() {
                    return;
                }
            }
            Ok(None) => break,
            Err(error) => {
                tracing::warn!(%error, "the new process cannot be understood");
                break;
            }
        }
    }
    let _ = events.send(Event::Closed(session)).await;
}
