//! The arguments of `bench`, `torture` and `demo`, which the binary mounts as its subcommands. A size or rate outside of what can be meant is refused with the range.

mod hidden;
mod played;
mod torture;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

pub use self::hidden::{ApplicationArgs, FloorArgs, PostFloorArgs};
pub use self::played::Played;
pub use self::torture::Torture;

/// What `bench` can be told to do.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// A measurement.
    #[command(flatten)]
    Measure(Measurement),
    /// Be the floor that `peers` compares with.
    #[command(hide = true)]
    Floor(FloorArgs),
    /// Be the floor that `deliver` compares with.
    #[command(hide = true)]
    PostFloor(PostFloorArgs),
    /// Be the applications that take webhooks.
    #[command(hide = true)]
    Receiver,
    /// Be an application that connects as the official SDKs do.
    #[command(hide = true)]
    Application(ApplicationArgs),
}

/// What can be measured.
#[derive(Debug, Subcommand)]
pub enum Measurement {
    /// How many events a second are recorded and acknowledged, how fast, and at what cost.
    Events(BenchEvents),
    /// How many HTTP callbacks a second are recorded and answered, beside the long connection in the same run.
    ///
    /// Each callback is signed and encrypted, and comes over one of the kept connections after the answer to the one
    /// before. In rounds: the long connections, 64 unanswered events on each, then the callbacks of the same bots.
    Callbacks(BenchCallbacks),
    /// What an idle installation costs in memory, before and after traffic, and all of them in processor time.
    Idle(BenchIdle),
    /// How long the gateway takes to start on a store with many installations and events.
    Startup(BenchStartup),
    /// How long all installations need to come back when every connection breaks at once.
    ///
    /// The platform asks for a reconnect nonce of 0, and the gateway has no budget of attempts: what is told is how
    /// fast it can be. In service the platform's nonce (30 s) and `connect.per_second` spread the return.
    Storm(BenchStorm),
    /// What a takeover by a new process costs while events come, on both platforms at once.
    ///
    /// In rounds, each with a new process. Feishu's connections overlap; WeCom ends the old connection when the new one
    /// subscribes. Ends with 1 when an event was lost, is missing or was recorded twice, when the application did not get each
    /// event or got one again without a label, or when the listener refused a connection.
    Takeover(BenchTakeover),
    /// The gateway beside others: the least a client can do, with and without a record, and the official SDKs.
    ///
    /// In rounds, each client in turn, every run with a fresh platform of the same kind. What is told is the ratio
    /// within a round, the median over all rounds, beside the bar it is held to. The SDKs store nothing; they are
    /// found where tests/conformance/install puts them, and left out with a word when they are not there.
    Peers(BenchPeers),
    /// How throughput grows with the number of connections.
    Scale(BenchScale),
    /// What happens when twice as many events come as can be kept up with.
    ///
    /// First looks for the highest paced rate that is kept up with, then offers twice that.
    Overload(BenchOverload),
    /// How fast recorded events reach applications, and how late.
    ///
    /// Beside it stands a floor in the same run: the least a client with kept connections can do, which posts bodies of
    /// the same size from memory to the same receiver.
    Deliver(BenchDeliver),
    /// The official SDKs behind the gateway, beside the same programs straight at the platform.
    ///
    /// In rounds, each SDK straight and behind the gateway in turn. At saturation the platform has events without end for the
    /// straight program, and the gateway has as many recorded for the one behind it. Besides: how late handlers are called at a
    /// paced rate, what an idle connection costs, and what the gateway adds to a call of the Open API.
    Relay(BenchRelay),
    /// What it costs the latency of ACKs that old events go meanwhile.
    ///
    /// Records events first. Then, in rounds, the same paced load twice, each on a gateway of its own on the same store: one that
    /// keeps everything, and one that lets a part of the old events go. What is told is the ratio of the two within a round, the
    /// median over all rounds, beside its bar.
    Retention(BenchRetention),
    /// What the excess of one party costs everybody else: latency, memory, connections, events.
    ///
    /// Each attack has a gateway of its own. Bots that nothing is done to live beside those that are attacked, on a
    /// platform of their own. Ends with code 1 if an event is lost or doubled, if the gateway's memory grew by more
    /// than 64 MiB, or if a bot that nothing was done to lost its connection. Timings are told beside their bars; where
    /// a whole platform is in trouble, they are what is promised, and one that misses its bar ends with code 1 too.
    Attack(BenchAttack),
}

/// What every run takes.
#[derive(Debug, Clone, Args)]
pub struct Ground {
    /// Where the store lies during the run; the system's temporary directory unless given. Every event is written
    /// there, so the disk is part of what is measured.
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) directory: Option<PathBuf>,
    /// Print one JSON document instead of the table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// At what pace the installations connect, besides as fast as they can.
#[derive(Debug, Clone, Args)]
pub struct ConnectBudget {
    /// Connection attempts begun per second in the run that has a budget: as in service, unless given.
    #[arg(long, default_value_t = 50, value_name = "ATTEMPTS", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) per_second: u32,
    /// Leave that run out. With the budget of service, 10,000 installations need over three minutes.
    #[arg(long, conflicts_with = "per_second")]
    pub(crate) no_budget: bool,
}

impl ConnectBudget {
    /// Attempts per second; `None` to leave the run with a budget out.
    pub fn per_second(&self) -> Option<u32> {
        (!self.no_budget).then_some(self.per_second)
    }
}

/// Where a run is drawn.
#[derive(Debug, Clone, Default, Args)]
pub struct Plot {
    /// Draw the run into this SVG file.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

/// Arguments of `bench events`.
#[derive(Debug, Args)]
pub struct BenchEvents {
    /// Which platform is played. WeCom asks for no ACK: what counts is what the gateway has recorded of a flood that
    /// only its reading holds back.
    #[arg(long, value_enum, default_value_t = Played::Feishu)]
    pub(crate) platform: Played,
    /// Installations, one connection each.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) connections: u32,
    /// Feishu, closed loop: every connection always has so many unanswered events; 64 unless given.
    #[arg(long, value_name = "EVENTS", value_parser = clap::value_parser!(u32).range(1..=4_096))]
    pub(crate) window: Option<u32>,
    /// Open loop instead: so many events a second over all connections, evenly paced.
    #[arg(long, value_name = "PER_SECOND", value_parser = rate, conflicts_with = "window")]
    pub(crate) rate: Option<f64>,
    /// Size of an event's JSON.
    #[arg(long, default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1_024..=1_048_576))]
    pub(crate) payload_bytes: u32,
    /// How long to measure, after a warm-up.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,
    /// Measure three times in turn: without consumers, with so many that have caught up, and with one whose application
    /// answers nothing. Feishu only.
    #[arg(long, conflicts_with = "svg", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) consumers: Option<u32>,
    #[command(flatten)]
    pub(crate) plot: Plot,
    #[command(flatten)]
    pub(crate) ground: Ground,
}

/// Arguments of `bench callbacks`.
#[derive(Debug, Args)]
pub struct BenchCallbacks {
    /// Installations, a long connection of each; and as many HTTP connections, which all installations share.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) connections: u32,
    /// Size of an event's JSON, before it is encrypted.
    #[arg(long, default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1_024..=65_536))]
    pub(crate) payload_bytes: u32,
    /// How often both are measured in turn.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    /// How long each measures, after a warm-up.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,
    #[command(flatten)]
    pub(crate) ground: Ground,
}

/// Arguments of `bench idle`.
#[derive(Debug, Args)]
pub struct BenchIdle {
    /// Which platform is played.
    #[arg(long, value_enum, default_value_t = Played::Feishu)]
    pub(crate) platform: Played,
    /// Installations. Memory is the growth from a tenth of them to all.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(100..=50_000))]
    pub(crate) installations: u32,
    /// Connect over TLS.
    #[arg(long)]
    pub(crate) tls: bool,
    #[command(flatten)]
    pub(crate) budget: ConnectBudget,
    /// How long to watch them do nothing.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub(crate) seconds: u32,
    #[command(flatten)]
    pub(crate) ground: Ground,
}

/// Arguments of `bench startup`.
#[derive(Debug, Args)]
pub struct BenchStartup {
    /// Installations in the store, all of them declared in the file and wanted.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub(crate) installations: u32,
    /// Events in the store. They are recorded first, by the store's own writer.
    #[arg(long, default_value_t = 500_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub(crate) events: u64,
    /// Size of an event's JSON.
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(512..=65_536))]
    pub(crate) payload_bytes: u32,
    /// Keep the store in this directory, and use the one that is there: only what it lacks is recorded.
    #[arg(long, value_name = "DIRECTORY", conflicts_with = "directory")]
    pub(crate) store: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) budget: ConnectBudget,
    #[command(flatten)]
    pub(crate) ground: Ground,
}

/// Arguments of `bench storm`.
#[derive(Debug, Args)]
pub struct BenchStorm {
    /// Installations, one connection each.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) connections: u32,
    /// How the connections end.
    #[arg(long, value_enum, default_value_t = How::Drop)]
    pub(crate) how: How,
    /// Seconds between pings, as the platform asks. A half-open connection is found by an unanswered one.
    #[arg(long, default_value_t = 5, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=120))]
    pub(crate) ping_interval: u32,
    #[command(flatten)]
    pub(crate) plot: Plot,
    #[command(flatten)]
    pub(crate) ground: Ground,
}

/// Arguments of `bench takeover`.
#[derive(Debug, Args)]
pub struct BenchTakeover {
    /// Feishu's bots, one connection each.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) feishu: u32,
    /// WeCom's bots.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) wecom: u32,
    /// Events per second over all bots, the same for each.
    #[arg(long, default_value_t = 1_000.0, value_name = "PER_SECOND", value_parser = torture_rate)]
    pub(crate) rate: f64,
    /// Takeovers, one after the other.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    /// Connection attempts begun per second: as in service, unless given.
    #[arg(long, default_value_t = 50, value_name = "ATTEMPTS", value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub(crate) per_second: u32,
    #[command(flatten)]
    pub(crate) ground: Ground,
}

/// Arguments of `bench peers`.
#[derive(Debug, Args)]
pub struct BenchPeers {
    /// How often everything is done.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    /// How long each run measures, after a warm-up.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,
    /// The clients; all of them unless given.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "CLIENTS")]
    pub(crate) only: Vec<PeerClient>,
    /// Numbers of connections that always have 64 unanswered events each, or 16,384 together and 2 at least.
    #[arg(long, value_delimiter = ',', default_value = "1,20,100", value_name = "NUMBERS", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) connections: Vec<u32>,
    /// Evenly paced events per second over 20 connections.
    #[arg(long, default_value_t = 200.0, value_name = "PER_SECOND", value_parser = peers_rate)]
    pub(crate) rate: f64,
    /// Connections dropped at once, for those that come back by themselves at once; 0 leaves it out.
    #[arg(long, default_value_t = 1_000, value_name = "CONNECTIONS", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(crate) storm: u32,
    /// Where the official SDKs are installed; `conformance` in the target directory of this build unless given.
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) sdks: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) ground: Ground,
}

/// A client of the platform that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeerClient {
    /// This gateway; every event is on disk before its ACK.
    Longwire,
    /// The least a client can do; nothing is stored.
    Bare,
    /// The least a client can do that commits every event to SQLite before its ACK, under a unique key.
    BareDurable,
    /// The same without the key: it records a platform's repeat once more.
    BareAppend,
    /// The official Node SDK with a handler that only returns; nothing is stored.
    Node,
    /// The official Python SDK with a handler that only returns; nothing is stored.
    Python,
}

impl PeerClient {
    /// As it is typed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Longwire => "longwire",
            Self::Bare => "bare",
            Self::BareDurable => "bare-durable",
            Self::BareAppend => "bare-append",
            Self::Node => "node",
            Self::Python => "python",
        }
    }
}

/// Arguments of `bench scale`.
#[derive(Debug, Args)]
pub struct BenchScale {
    /// Numbers of connections. Each has 64 unanswered events, fewer where all would have more than 16,384 together,
    /// and 2 at least.
    #[arg(long, value_delimiter = ',', default_value = "1,10,100,1000,10000", value_name = "NUMBERS", value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub(crate) connections: Vec<u32>,
    /// Size of an event's JSON.
    #[arg(long, default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1_024..=16_384))]
    pub(crate) payload_bytes: u32,
    /// How long to measure each number, after a warm-up.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,
    #[command(flatten)]
    pub(crate) plot: Plot,
    #[command(flatten)]
    pub(crate) ground: Ground,
}

/// Arguments of `bench overload`.
#[derive(Debug, Args)]
pub struct BenchOverload {
    /// Installations, one connection each.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) connections: u32,
    /// The rate that is kept up with, if it is known already; otherwise it is looked for.
    #[arg(long, value_name = "PER_SECOND", value_parser = sustainable_rate)]
    pub(crate) sustainable: Option<f64>,
    /// Size of an event's JSON.
    #[arg(long, default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1_024..=16_384))]
    pub(crate) payload_bytes: u32,
    /// How long twice the rate is offered.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=120))]
    pub(crate) seconds: u32,
    #[command(flatten)]
    pub(crate) plot: Plot,
    #[command(flatten)]
    pub(crate) ground: Ground,
}

/// Arguments of `bench retention`.
#[derive(Debug, Args)]
pub struct BenchRetention {
    /// Installations, one connection each.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) connections: u32,
    /// Events that are recorded before anything is measured. Half of them go, an equal part in each round.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1_000..=20_000_000))]
    pub(crate) history: u64,
    /// Events a second over all connections, evenly paced.
    #[arg(long, default_value_t = 200.0, value_name = "PER_SECOND", value_parser = rate)]
    pub(crate) rate: f64,
    /// Size of an event's JSON.
    #[arg(long, default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1_024..=65_536))]
    pub(crate) payload_bytes: u32,
    /// How long each half of a round is measured.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,
    /// Rounds.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    pub(crate) rounds: u32,
    #[command(flatten)]
    pub(crate) ground: Ground,
}

/// Arguments of `bench deliver`.
#[derive(Debug, Args)]
pub struct BenchDeliver {
    /// Installations, one connection and one chat each.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    pub(crate) connections: u32,
    /// Events that are recorded before the first one is delivered.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(100..=5_000_000))]
    pub(crate) backlog: u64,
    /// Endpoints of the part with many, a consumer each.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) endpoints: u32,
    /// Events for each of them.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    pub(crate) per_endpoint: u32,
    /// Readers along of a second live part, a stream of events each.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub(crate) readers: u32,
    /// Evenly paced events per second of the live parts.
    #[arg(long, default_value_t = 200.0, value_name = "PER_SECOND", value_parser = rate)]
    pub(crate) rate: f64,
    /// Size of an event's JSON.
    #[arg(long, default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1_024..=65_536))]
    pub(crate) payload_bytes: u32,
    /// How long the live part and the floor are measured.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,
    #[command(flatten)]
    pub(crate) ground: Ground,
}

/// Arguments of `bench relay`.
#[derive(Debug, Args)]
pub struct BenchRelay {
    /// How often everything is done.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    /// The SDKs, `node` and `python`; both unless given.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SDKS")]
    pub(crate) only: Vec<PeerClient>,
    /// Events of a run at saturation; a slow SDK has a fifth of them.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1_000..=2_000_000))]
    pub(crate) events: u64,
    /// Chats that they are spread over.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) chats: u32,
    /// Evenly paced events per second where lateness is measured.
    #[arg(long, default_value_t = 200.0, value_name = "PER_SECOND", value_parser = peers_rate)]
    pub(crate) rate: f64,
    /// How long lateness and calls are measured each.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,
    /// Idle connections, whose memory is the growth from a tenth of them to all; 0 leaves them out.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(crate) idle: u32,
    /// Bots that make calls, 50 a second and 1,000 a minute each at most; 0 leaves calls out.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub(crate) callers: u32,
    /// Where the official SDKs are installed; `conformance` in the target directory of this build unless given.
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) sdks: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) ground: Ground,
}

/// Arguments of `bench attack`.
#[derive(Debug, Args)]
pub struct BenchAttack {
    /// Which; all of them in turn unless given.
    #[arg(value_enum)]
    pub(crate) attacks: Vec<Attack>,
    /// Bots that nothing is done to.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    pub(crate) neighbours: u32,
    /// Events a second to each of them.
    #[arg(long, default_value_t = 10.0, value_name = "PER_SECOND", value_parser = neighbour_rate)]
    pub(crate) rate: f64,
    /// How long an attack lasts; the store is stalled three times as long, and a platform is in trouble for as long
    /// before the first healthy bot loses its connection.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=600))]
    pub(crate) seconds: u32,
    /// Bots of the platform that is in trouble; 3,000 that hang or 2,000 that flap unless given.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub(crate) troubled: Option<u32>,
    #[command(flatten)]
    pub(crate) ground: Ground,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Attack {
    /// 20,000 events a second to one bot.
    Flood,
    /// The same to one bot of WeCom, which cannot be refused anything.
    WecomFlood,
    /// Headers of frames of 256 MiB, on twenty connections twice a second.
    Header,
    /// 6,000 split events on forty connections, all incomplete at the same time: 180 MB of parts.
    Fragments,
    /// Somebody else keeps the database's write lock while 10,000 events a second come.
    Stall,
    /// A platform does not answer 3,000 bots; a bot of another one loses its connection.
    Hanging,
    /// A platform drops 2,000 bots as soon as they are connected; a bot of another one loses its connection.
    Flapping,
    /// 5,000 bots of a platform and 1,024 open files; a bot of another one loses its connection.
    Files,
}

/// How a connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum How {
    /// TCP reset.
    Drop,
    /// WebSocket close frame 1001.
    Close,
    /// Nothing arrives any more, and nothing says so.
    HalfOpen,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Play this platform alone. Both are played unless given, each for half of the bots.
    #[arg(long, value_enum)]
    pub(crate) platform: Option<Played>,
    /// Bots to run.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub bots: u32,
    /// Events per second over all bots.
    #[arg(long, default_value_t = 200.0, value_name = "PER_SECOND", value_parser = rate)]
    pub(crate) rate: f64,
    /// End by itself after so many seconds.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    pub(crate) seconds: Option<u64>,
    /// Where the admin interface listens; 127.0.0.1:7701, or a free port when that is taken.
    #[arg(long, value_name = "ADDRESS")]
    pub admin_listen: Option<SocketAddr>,
    /// Run a bot with Feishu's official Node SDK behind the gateway, which it takes for the platform. Takes Node, and the SDK
    /// as `tests/conformance/install` installs it.
    #[arg(long)]
    pub sdk: bool,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.1..=1_000_000.0).contains(&rate) => Ok(rate),
        _ => Err("a rate is a number from 0.1 to 1000000".to_owned()),
    }
}

/// Ten thousand a second are more than the slowest peer bears, and leave the comparison without one.
fn peers_rate(text: &str) -> Result<f64, String> {
    within(text, 1.0..=10_000.0)
}

/// Twice of it is what the simulated platform can still make on a core of its own.
fn sustainable_rate(text: &str) -> Result<f64, String> {
    within(text, 1.0..=250_000.0)
}

fn neighbour_rate(text: &str) -> Result<f64, String> {
    within(text, 0.1..=1_000.0)
}

fn life(text: &str) -> Result<f64, String> {
    within(text, 0.3..=60.0)
}

fn within(text: &str, range: std::ops::RangeInclusive<f64>) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!(
            "it is a number from {} to {}",
            range.start(),
            range.end()
        )),
    }
}

/// Every event is compared by its id, so their number is bounded.
fn torture_rate(text: &str) -> Result<f64, String> {
    within(text, 1.0..=5_000.0)
}
