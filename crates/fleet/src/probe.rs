//! Asks the platform about a bot before it is kept: whether it takes the id and the secret, and in which region the app lives.
//!
//! ```text
//! Feishu, Lark   one bootstrap call; the address that it grants is not dialled, so no connection is left behind
//!                code 1000040351 (the app is of the other cloud): the same call to the other region
//! WeCom          name, route, TLS and upgrade; the connection is closed unused, because subscribing would end the one
//!                that the bot has; a subscription only if the caller knows that there is none
//! ```
//! Nothing is kept here and no actor takes part. What follows from an answer is `longwire_link`'s table of setbacks.

use std::time::Duration;

use longwire_egress::{Egress, EgressSettings, ProxyUrlError};
use longwire_installation::{BaseUrl, Platform};
use longwire_link::{Disposition, Setback};
use longwire_platform::dial;
use longwire_platform::feishu::{AppCredentials, endpoint};
use longwire_platform::wecom::{BotCredentials, subscribe_once};
use longwire_store::NewInstallation;
use longwire_wire::endpoint::ConnectionUrl;
use secrecy::ExposeSecret;

use crate::setback;

/// How long one call, one dial or one subscription may take. A probe has two of them at most.
const STEP: Duration = Duration::from_secs(8);

/// The longest time that a probe takes. Whoever waits for one over HTTP waits longer than this.
pub const PROBE_DEADLINE: Duration = Duration::from_secs(16);

/// How much is tried of a new bot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProbeExtent {
    /// Nothing: the platform is not asked.
    Skip,
    /// What cannot disturb another program that has the bot.
    #[default]
    Harmless,
    /// Everything: no other program has the bot. A WeCom bot subscribes, which would end another program's connection.
    Exclusive,
}

/// What a probe showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The platform takes the id and the secret.
    Proven,
    /// The platform takes the id and the secret, and the app has as many connections as the platform allows.
    AtConnectionLimit,
    /// The platform can be reached. The id and the secret were not tried.
    Reached,
    /// The platform was not asked.
    Skipped,
}

impl Proof {
    /// A stable name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::AtConnectionLimit => "at_connection_limit",
            Self::Reached => "reached",
            Self::Skipped => "skipped",
        }
    }
}

/// A bot that may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probed {
    /// Where the bot lives: the region that took it, which may be another than was asked for.
    pub platform: Platform,
    /// What was shown.
    pub proof: Proof,
}

impl Probed {
    /// What was shown, for people. `named` is the platform that was asked for.
    #[must_use]
    pub fn told(&self, named: Platform) -> String {
        let platform = self.platform;
        let shown = match self.proof {
            Proof::Proven => format!("{platform} takes the id and the secret"),
            Proof::AtConnectionLimit => format!(
                "{platform} takes the id and the secret, and other programs hold as many connections of the app as it allows"
            ),
            Proof::Reached => format!(
                "{platform} can be reached; the id and the secret were not tried, because subscribing would end the connection of a program that has the bot"
            ),
            Proof::Skipped => "the platform was not asked".to_owned(),
        };
        match platform == named {
            true => shown,
            false => {
                format!("the app is of {platform} and not of {named}, and is kept so: {shown}")
            }
        }
    }
}

/// Why a bot is not kept.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The platform answered, and does not take the bot.
    #[error("{platform} refuses the bot: {setback}{}", Detail(detail))]
    Refused {
        /// Which platform answered.
        platform: Platform,
        /// What it means.
        setback: Setback,
        /// The platform's words, without the secret.
        detail: String,
    },
    /// The platform was not reached, or its answer says nothing about the bot.
    #[error(
        "{platform} could not be asked about the bot: {setback}{}",
        Detail(detail)
    )]
    Unanswered {
        /// Which platform was asked.
        platform: Platform,
        /// What it means.
        setback: Setback,
        /// The words of the network or the platform, without the secret.
        detail: String,
    },
}

/// Writes the words of the platform or the network behind a reason.
struct Detail<'a>(&'a str);

impl std::fmt::Display for Detail<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            "" => Ok(()),
            detail => write!(f, " ({detail})"),
        }
    }
}

impl ProbeError {
    fn of(platform: Platform, (setback, detail): (Setback, String)) -> Self {
        match is_verdict(setback) {
            true => Self::Refused {
                platform,
                setback,
                detail,
            },
            false => Self::Unanswered {
                platform,
                setback,
                detail,
            },
        }
    }

    /// What the platform's answer, or its silence, means.
    #[must_use]
    pub fn setback(&self) -> Setback {
        match self {
            Self::Refused { setback, .. } | Self::Unanswered { setback, .. } => *setback,
        }
    }

    /// What an operator does about it, in one sentence.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        let setback = self.setback();
        if matches!(setback, Setback::SystemBusy | Setback::PlatformInternal) {
            "Try again in a minute: the platform has trouble of its own."
        } else if matches!(setback, Setback::RateLimited(_) | Setback::SubscribeLimited) {
            "Try again in some minutes, and look for other programs that connect this bot over and over."
        } else {
            setback.next_step()
        }
    }
}

/// Whether this is the platform's word on the bot. What only keeps us from the platform says nothing about the bot.
fn is_verdict(setback: Setback) -> bool {
    let is_ours = matches!(
        setback,
        Setback::ProxyUnusable | Setback::ProxyUnauthorized | Setback::AddressRefused
    );
    !is_ours && setback.disposition() == Disposition::Refuse
}

/// Asks the platform about a bot before it is kept. Takes [`PROBE_DEADLINE`] at most.
///
/// # Errors
/// If the platform does not take the bot, or could not be asked.
pub async fn probe(
    egress: &EgressSettings,
    new: &NewInstallation,
    extent: ProbeExtent,
) -> Result<Probed, ProbeError> {
    let platform = new.platform;
    if extent == ProbeExtent::Skip || !new.mode.connects() {
        let proof = Proof::Skipped;
        return Ok(Probed { platform, proof });
    }
    let egress = line(egress, new).map_err(|failed| ProbeError::of(platform, failed))?;
    match platform {
        Platform::Wecom => {
            let proof = reach(&egress, new, extent).await;
            let proof = proof.map_err(|failed| ProbeError::of(platform, failed))?;
            Ok(Probed { platform, proof })
        }
        Platform::Feishu | Platform::Lark => by_region(&egress, new).await,
    }
}

/// The way out of this bot.
fn line(egress: &EgressSettings, new: &NewInstallation) -> Result<Egress, (Setback, String)> {
    let egress = Egress::new(egress);
    match &new.proxy {
        None => Ok(egress),
        Some(proxy) => (proxy.expose_secret().parse())
            .map(|policy| egress.with_proxy(policy))
            .map_err(|error: ProxyUrlError| (Setback::ProxyUnusable, setback::chain(&error))),
    }
}

/// Asks the region that was named, and the other one if the platform says that the app lives there. A deployment under an
/// address of its own has no other region.
async fn by_region(egress: &Egress, new: &NewInstallation) -> Result<Probed, ProbeError> {
    let named = new.platform;
    let refused = match granted(egress, new, named).await {
        Ok(proof) => {
            return Ok(Probed {
                platform: named,
                proof,
            });
        }
        Err(refused) => refused,
    };
    if refused.0 != Setback::WrongDomain || new.base_url.is_some() {
        return Err(ProbeError::of(named, refused));
    }
    let platform = other_region(named);
    match granted(egress, new, platform).await {
        Ok(proof) => Ok(Probed { platform, proof }),
        // Each says that the app is the other's: the region that was named keeps the word.
        Err((Setback::WrongDomain, _)) => Err(ProbeError::of(named, refused)),
        Err(failed) => Err(ProbeError::of(platform, failed)),
    }
}

fn other_region(platform: Platform) -> Platform {
    match platform {
        Platform::Feishu => Platform::Lark,
        Platform::Lark => Platform::Feishu,
        Platform::Wecom => Platform::Wecom,
    }
}

/// Whether this region grants the app a connection. The connection is not opened.
async fn granted(
    egress: &Egress,
    new: &NewInstallation,
    platform: Platform,
) -> Result<Proof, (Setback, String)> {
    let base = BaseUrl::resolve(new.base_url.as_ref(), platform).map_err(bad_address)?;
    let credentials = AppCredentials {
        app_id: &new.app_id,
        app_secret: &new.app_secret,
    };
    match endpoint(egress, &base, credentials, STEP).await {
        Ok(_never_dialled) => Ok(Proof::Proven),
        Err(error) => {
            let setback = setback::of_endpoint(&error);
            // Counted only after the credentials were taken.
            if setback == Setback::ConnectionLimit {
                return Ok(Proof::AtConnectionLimit);
            }
            Err((setback, setback::detail_of_endpoint(&error)))
        }
    }
}

/// Whether WeCom can be reached, and if nobody else has the bot, whether it takes it.
async fn reach(
    egress: &Egress,
    new: &NewInstallation,
    extent: ProbeExtent,
) -> Result<Proof, (Setback, String)> {
    let base = BaseUrl::resolve(new.base_url.as_ref(), Platform::Wecom).map_err(bad_address)?;
    let url = ConnectionUrl::parse(base.as_str()).map_err(bad_address)?;
    let connection = dial(egress, &url, STEP).await.map_err(|error| {
        let setback = setback::of_dial(Platform::Wecom, &error);
        (setback, setback::chain(&error))
    })?;
    if extent != ProbeExtent::Exclusive {
        // Closed by dropping it. It has not subscribed, so nobody misses it.
        return Ok(Proof::Reached);
    }
    let bot = BotCredentials {
        bot_id: &new.app_id,
        secret: &new.app_secret,
    };
    match subscribe_once(connection, bot, rand::random(), STEP).await {
        Ok(()) => Ok(Proof::Proven),
        Err(error) => Err((setback::of_subscribe(&error), String::new())),
    }
}

fn bad_address(error: impl std::error::Error) -> (Setback, String) {
    let detail = format!("base_url: {}", setback::chain(&error));
    (Setback::AddressRefused, detail)
}
