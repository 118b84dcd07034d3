//! The new process's side: it asks the running server, connects its bots beside it, and has the store in the end.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use longwire_fleet::{ConnectionStanding, Fleet};
use longwire_installation::{Desired, InstallationId, Platform};
use longwire_store::{InstallationRecord, OpenError, Store, StoreSettings, WriteError};
use longwire_takeover::{
    BotRoad, Hello, Observed, PROTOCOL, Successor, SuccessorAction, SuccessorPhase, Summary,
    TakeoverMessage, TakeoverRefusal, TakeoverTiming, Welcome, descriptors, frame,
};
use tokio::net::unix::OwnedWriteHalf;

use super::TakeoverError;
use super::batches::BatchSender;
use super::channel::{self, MessageReader, REFUSED, WELCOME};

/// How long the server may take to answer the hello.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// How often the states of the bots are looked at. A gap of WeCom is not longer for it: the platform itself ends the old
/// connection when the new one subscribes.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often the log says how far it is.
const TELL_EVERY: Duration = Duration::from_secs(5);
/// How long one try to open the store may take: reading the keys of a week of events is part of it.
const OPEN_TRY: Duration = Duration::from_secs(60);
/// How long it is tried when the server has ended.
const OPEN_LIMIT: Duration = Duration::from_secs(120);
/// How long it is waited for a lock that a process is about to let go of.
const LOCK_WAIT: Duration = Duration::from_millis(50);

const TIMING: TakeoverTiming = TakeoverTiming {
    // Eight subscribes under way are few for the platform, and 1,000 bots take a minute.
    at_once: 8,
    turn: Duration::from_secs(10),
    // Longer than a bootstrap and a dial may take, and some pauses between attempts.
    stall: Duration::from_secs(30),
    // Replaced by the server's own limit.
    ending: Duration::from_secs(60),
};

/// A running server that has agreed to hand over.
pub(crate) struct RunningServer {
    control: UnixStream,
    welcome: Welcome,
    /// The public listener and the admin listener.
    listeners: [Option<TcpListener>; 2],
    batches: Option<UnixStream>,
    /// What was read of the connection behind the welcome.
    came: BytesMut,
}

/// The store of a process that takes over.
pub(crate) enum OpenedStore {
    /// Beside the server; its bots can be moved one by one.
    Beside(Store),
    /// The server has ended first, because its schema is of an earlier version.
    Alone(Store),
}

impl RunningServer {
    /// Asks the server whose socket this is. `None` if no server runs there. Blocks.
    pub(crate) fn ask(path: &Path) -> Result<Option<Self>, TakeoverError> {
        let unreachable = |source| TakeoverError::Unreachable {
            path: PathBuf::from(path),
            source,
        };
        let mut control = match UnixStream::connect(path) {
            Ok(control) => control,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(unreachable(error)),
        };
        control
            .set_read_timeout(Some(ANSWER_LIMIT))
            .map_err(unreachable)?;
        let hello = TakeoverMessage::Hello(Hello {
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
        });
        control
            .write_all(&frame::encode(&hello))
            .map_err(TakeoverError::Channel)?;
        let (byte, files) = descriptors::receive(&control).map_err(TakeoverError::Channel)?;
        let mut came = BytesMut::new();
        let message = read(&mut control, &mut came)?;
        match (byte, message) {
            (REFUSED, TakeoverMessage::Refused(refused)) => {
                Err(TakeoverRefusal::of_code(refused.code).into())
            }
            (WELCOME, TakeoverMessage::Welcome(welcome)) => {
                let mut files = files.into_iter();
                let listeners = [
                    files.next().map(TcpListener::from),
                    files.next().map(TcpListener::from),
                ];
                let batches = files.next().map(UnixStream::from);
                tracing::info!(
                    old_pid = welcome.pid,
                    old_version = welcome.version,
                    live = welcome.live.len(),
                    "taking over from the running server"
                );
                Ok(Some(Self {
                    control,
                    welcome,
                    listeners,
                    batches,
                    came,
                }))
            }
            _ => Err(TakeoverError::NotWelcome),
        }
    }

    /// The server's public listener (0) or admin listener (1), if it listens where this process is to listen. Connections that
    /// come meanwhile wait in the kernel.
    pub(crate) fn listener(&mut self, which: usize, address: SocketAddr) -> Option<TcpListener> {
        let place = self.listeners.get_mut(which)?;
        place.take_if(|listener| {
            listener.local_addr().is_ok_and(|bound| {
                let any_port = address.port() == 0 && address.ip() == bound.ip();
                bound == address || any_port
            })
        })
    }

    /// Opens the store beside the server. A store of an earlier schema cannot be brought up to date beside it: then the server
    /// ends first.
    pub(crate) async fn open_store(
        &mut self,
        settings: &StoreSettings,
    ) -> Result<OpenedStore, TakeoverError> {
        let batches = self.batches.take().ok_or(TakeoverError::NotWelcome)?;
        let sender = BatchSender::over(batches).map_err(TakeoverError::Channel)?;
        match Store::open_beside(settings, Box::new(sender)) {
            Ok(store) => Ok(OpenedStore::Beside(store)),
            Err(OpenError::OlderSchema { .. }) => {
                tracing::warn!(
                    "the running server has an earlier schema: it ends first, then the store is brought up to date and the bots \
                     are connected again. Connections to the listeners wait meanwhile"
                );
                self.end_first().await?;
                Ok(OpenedStore::Alone(open_when_free(settings).await?))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Tells the server to end, and waits for it.
    async fn end_first(&mut self) -> Result<(), TakeoverError> {
        let control = self.control.try_clone().map_err(TakeoverError::Channel)?;
        let (mut reader, writer) = channel_of(control)?;
        let mut writer = Some(writer);
        let mut machine = Successor::new(TIMING, [], &[], Instant::now());
        while machine.phase() != SuccessorPhase::Owning {
            while let Some(action) = machine.poll_action() {
                if let SuccessorAction::Send(message) = action {
                    say(&mut writer, &message).await;
                }
            }
            if let Some(failure) = machine.failure() {
                return Err(failure.clone().into());
            }
            tokio::select! {
                message = reader.next() => match message {
                    Ok(Some(message)) => machine.handle_message(&message, Instant::now()),
                    Ok(None) | Err(_) => machine.handle_closed(Instant::now()),
                },
                () = until(machine.poll_timeout()) => machine.handle_timeout(Instant::now()),
            }
        }
        Ok(())
    }

    /// The bots of the store that the server moves one by one: no attempt to connect them may begin before their turn.
    pub(crate) fn one_by_one(records: &[InstallationRecord]) -> Vec<InstallationId> {
        let displacing = records
            .iter()
            .filter(|record| is_wanted(record) && road(record.platform) == BotRoad::Displace);
        displacing.map(|record| record.id).collect()
    }

    /// Moves the bots, has the server end, and opens the store. `ending` is how long the server may take to end.
    pub(crate) async fn take_over(
        self,
        fleet: &Fleet,
        store: &Store,
        records: &[InstallationRecord],
        ending: Duration,
    ) -> Result<Summary, TakeoverError> {
        let (mut reader, writer) = channel_of(self.control)?;
        reader.put_back(self.came);
        let wanted = records.iter().filter(|record| is_wanted(record));
        let bots = wanted.map(|record| (record.id.0, road(record.platform)));
        let timing = TakeoverTiming { ending, ..TIMING };
        let machine = Successor::new(timing, bots, &self.welcome.live, Instant::now());
        let moving = Moving {
            machine,
            fleet,
            store,
            writer: Some(writer),
            opening: None,
        };
        moving.run(reader).await
    }
}

/// A takeover under way.
struct Moving<'a> {
    machine: Successor,
    fleet: &'a Fleet,
    store: &'a Store,
    writer: Option<OwnedWriteHalf>,
    opening: Option<actix_rt::task::JoinHandle<Result<(), WriteError>>>,
}

impl Moving<'_> {
    async fn run(mut self, mut reader: MessageReader) -> Result<Summary, TakeoverError> {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let mut tells = tokio::time::interval(TELL_EVERY);
        let mut is_closed = false;
        while self.machine.phase() != SuccessorPhase::Done {
            self.carry_out().await;
            if let Some(failure) = self.machine.failure() {
                return Err(failure.clone().into());
            }
            tokio::select! {
                message = reader.next(), if !is_closed => match message {
                    Ok(Some(message)) => self.machine.handle_message(&message, Instant::now()),
                    Ok(None) | Err(_) => {
                        is_closed = true;
                        self.closed();
                    }
                },
                _ = looks.tick() => self.look(),
                _ = tells.tick() => self.tell(),
                () = until(self.machine.poll_timeout()) => self.machine.handle_timeout(Instant::now()),
                opened = opened(&mut self.opening) => {
                    opened.map_err(TakeoverError::NotOpened)?;
                    self.machine.handle_opened();
                }
            }
        }
        Ok(self.machine.summary(Instant::now()))
    }

    fn closed(&mut self) {
        if self.machine.phase() == SuccessorPhase::Moving {
            tracing::warn!(
                "the running server ended before it had handed all over; this process goes on alone"
            );
        }
        self.machine.handle_closed(Instant::now());
    }

    fn look(&mut self) {
        for bot in self.fleet.standings() {
            let observed = match bot.connection {
                ConnectionStanding::Live => Observed::Live,
                ConnectionStanding::Connecting => Observed::Connecting,
                ConnectionStanding::Away => Observed::Away,
            };
            let (id, now) = (bot.installation.0, Instant::now());
            self.machine
                .handle_observed(id, observed, bot.since_ms, now);
        }
    }

    fn tell(&self) {
        let (moved, wanted) = self.machine.progress();
        let phase = match self.machine.phase() {
            SuccessorPhase::Moving => "moving bots",
            SuccessorPhase::LettingGo => "waiting for the end of the running server",
            SuccessorPhase::Owning | SuccessorPhase::Done => "opening the store",
        };
        tracing::info!(phase, moved, wanted, "taking over");
        crate::systemd::status(format!("taking over: {phase}, {moved} of {wanted} moved"));
    }

    async fn carry_out(&mut self) {
        while let Some(action) = self.machine.poll_action() {
            match action {
                SuccessorAction::Send(message) => say(&mut self.writer, &message).await,
                SuccessorAction::Connect(bot) => self.fleet.connect_here(InstallationId(bot)),
                SuccessorAction::OpenStore => {
                    let store = self.store.clone();
                    let open = move || open(&store);
                    self.opening = Some(actix_rt::task::spawn_blocking(open));
                }
            }
        }
    }
}

/// Opens the store of a server that has ended.
fn open(store: &Store) -> Result<(), WriteError> {
    let until = Instant::now() + OPEN_LIMIT;
    loop {
        match store.take_over(OPEN_TRY) {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() >= until => return Err(error),
            Err(error) => {
                tracing::warn!(
                    error = longwire_fleet::setback::chain(&error),
                    "the store does not open yet; trying again"
                );
                std::thread::sleep(LOCK_WAIT);
            }
        }
    }
}

/// Opens the store as soon as its lock is free.
async fn open_when_free(settings: &StoreSettings) -> Result<Store, OpenError> {
    let until = Instant::now() + TIMING.ending;
    loop {
        match Store::open(settings) {
            Err(OpenError::Held { .. }) if Instant::now() < until => {
                tokio::time::sleep(LOCK_WAIT).await;
            }
            opened => return opened,
        }
    }
}

fn is_wanted(record: &InstallationRecord) -> bool {
    record.desired == Desired::Run && record.mode.connects()
}

fn road(platform: Platform) -> BotRoad {
    match platform {
        Platform::Feishu | Platform::Lark => BotRoad::Overlap,
        Platform::Wecom => BotRoad::Displace,
    }
}

/// A message that cannot be sent finds out that the connection is closed, as its reader does.
async fn say(writer: &mut Option<OwnedWriteHalf>, message: &TakeoverMessage) {
    if let Some(stream) = writer
        && let Err(error) = channel::send(stream, message).await
    {
        tracing::debug!(%error, "the running server hears nothing any more");
        *writer = None;
    }
}

fn channel_of(control: UnixStream) -> Result<(MessageReader, OwnedWriteHalf), TakeoverError> {
    let stream = (control.set_nonblocking(true))
        .and_then(|()| tokio::net::UnixStream::from_std(control))
        .map_err(TakeoverError::Channel)?;
    Ok(channel::split(stream))
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

async fn opened(
    opening: &mut Option<actix_rt::task::JoinHandle<Result<(), WriteError>>>,
) -> Result<(), WriteError> {
    match opening {
        Some(task) => {
            let opened = task.await;
            *opening = None;
            opened.unwrap_or(Err(WriteError::WriterGone))
        }
        None => std::future::pending().await,
    }
}

/// The next message, on a connection that blocks.
fn read(control: &mut UnixStream, came: &mut BytesMut) -> Result<TakeoverMessage, TakeoverError> {
    let mut buffer = [0; 16 << 10];
    loop {
        if let Some(message) = frame::take(came)? {
            return Ok(message);
        }
        match control.read(&mut buffer) {
            Ok(0) => {
                let end = io::Error::from(io::ErrorKind::UnexpectedEof);
                return Err(TakeoverError::Channel(end));
            }
            Ok(length) => came.extend_from_slice(&buffer[..length]),
            Err(error) => return Err(TakeoverError::Channel(error)),
        }
    }
}
