//! An installation as a program or a command asks for it, and a change of one: JSON, with every mistake told by its place.
//!
//! ```text
//! POST    name, platform, app_id and app_secret (or bot_id and secret), and what an operator may set
//! PATCH   what is to be changed (RFC 7396); `null` takes away
//! ```
//! No mistake repeats a value, which may be a secret.

use std::time::Duration;

use longwire_access::Space;
use longwire_consumer::{DefinitionFault, DefinitionFaults, FaultCode, Member, Members};
use longwire_egress::ProxyPolicy;
use longwire_fleet::ProbeExtent;
use longwire_installation::{
    BaseUrl, CredentialKeys, Desired, Misfit, Mode, Name, Origin, Platform, PresentSecret,
    StrayCharacter, TakeBack,
};
use longwire_store::{
    FieldChange, InstallationChange, InstallationRecord, NewAppSecret, NewInstallation,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

type Faults = Vec<DefinitionFault>;

const PLATFORMS: [(&str, Platform); 3] = [
    ("feishu", Platform::Feishu),
    ("lark", Platform::Lark),
    ("wecom", Platform::Wecom),
];
const MODES: [(&str, Mode); 3] = [
    ("long_connection", Mode::LongConnection),
    ("webhook", Mode::Webhook),
    ("both", Mode::Both),
];
const DESIRED: [(&str, Desired); 2] = [("run", Desired::Run), ("stop", Desired::Stop)];

/// A new installation, and how much of it is tried before it is kept. Not printable: it holds credentials in clear.
pub struct AskedInstallation {
    /// The installation.
    pub new: NewInstallation,
    /// What the platform is asked first.
    pub extent: ProbeExtent,
}

/// What the configuration says of installations that are added or changed.
#[derive(Debug, Clone, Default)]
pub struct InstallationRules {
    /// Hosts that may be reached without TLS, beside loopback.
    pub plain_hosts: Vec<String>,
}

impl InstallationRules {
    /// The installation that this JSON asks for, in this space.
    ///
    /// # Errors
    /// Every mistake in it. Unknown members are mistakes.
    pub fn read_new(
        &self,
        json: &Value,
        origin: Origin,
        space: Space,
    ) -> Result<AskedInstallation, DefinitionFaults> {
        read(json, |members| self.new_of(members, origin, space))
    }

    /// The change of this installation that a merge patch asks for. `present` tells how the bot fares with its secret.
    ///
    /// # Errors
    /// Every mistake in it. Unknown members are mistakes; so is what tells which bot it is, because another bot is another
    /// installation.
    pub fn read_change(
        &self,
        json: &Value,
        record: &InstallationRecord,
        present: PresentSecret,
    ) -> Result<InstallationChange, DefinitionFaults> {
        read(json, |members| self.change_of(members, record, present))
    }

    fn new_of(
        &self,
        members: &mut Members<'_, '_>,
        origin: Origin,
        space: Space,
    ) -> Option<AskedInstallation> {
        let name = members.required("name", |value, faults| value.parsed::<Name>(faults));
        let platform = members.required("platform", |value, faults| value.word(&PLATFORMS, faults));
        let app_id = members.optional("app_id", |value, faults| value.text(faults));
        // One with a mistake is there all the same.
        let given_secret = |value: Member<'_>, faults: &mut Faults| Some(secret(value, faults));
        let app_secret = members.optional("app_secret", given_secret);
        let bot_id = members.optional("bot_id", |value, faults| value.text(faults));
        let bot_secret = members.optional("secret", given_secret);
        let base_url = members.optional("base_url", |value, faults| value.text(faults));
        let proxy = members.optional("proxy", proxy);
        let mode = members.optional("mode", |value, faults| value.word(&MODES, faults));
        let verification_token = members.optional("verification_token", secret);
        let encrypt_key = members.optional("encrypt_key", secret);
        let after = members.optional("take_back_after", duration);
        let per_day = members.optional("take_back_per_day", per_day);
        let desired = members.optional("desired", |value, faults| value.word(&DESIRED, faults));
        let probe = members.optional("probe", |value, faults| value.bool(faults));
        let exclusive = members.optional("exclusive", |value, faults| value.bool(faults));

        let platform = platform?;
        let extent = fit(members, extent(platform, probe, exclusive));
        let given = CredentialKeys {
            app_id,
            app_secret: app_secret.as_ref(),
            bot_id,
            secret: bot_secret.as_ref(),
        };
        let credentials = fit(members, given.for_platform(platform));
        let credentials =
            credentials.map(|fitting| (fitting.id.to_owned(), fitting.secret.clone()));
        let token = verification_token.as_ref().map(|_| "verification_token");
        let key = encrypt_key.as_ref().map(|_| "encrypt_key");
        let mode = fit(members, Mode::from_keys(platform, mode, token.or(key)));
        let take_back = fit(members, TakeBack::from_keys(platform, after, per_day));
        let base_url = match base_url {
            Some(text) => self.base_url(members, platform, text).map(Some),
            None => Some(None),
        };
        let (app_id, app_secret) = credentials?;
        let app_secret = app_secret?;
        let new = NewInstallation {
            name: name?,
            platform,
            app_id,
            app_secret,
            base_url: base_url?,
            proxy,
            mode: mode?,
            verification_token,
            encrypt_key,
            take_back: take_back?,
            desired: desired.unwrap_or(Desired::Run),
            origin,
            space,
        };
        Some(AskedInstallation {
            new,
            extent: extent?,
        })
    }

    fn change_of(
        &self,
        members: &mut Members<'_, '_>,
        record: &InstallationRecord,
        present: PresentSecret,
    ) -> Option<InstallationChange> {
        let platform = record.platform;
        let secret_key = match platform {
            Platform::Feishu | Platform::Lark => "app_secret",
            Platform::Wecom => "secret",
        };
        let name = members.patched("name", |value, faults| value.parsed::<Name>(faults));
        let app_secret = members.patched(secret_key, secret);
        let base_url = members.patched("base_url", |value, faults| value.text(faults));
        let proxy = members.patched("proxy", proxy);
        let mode = members.patched("mode", |value, faults| value.word(&MODES, faults));
        let verification_token = members.patched("verification_token", secret);
        let encrypt_key = members.patched("encrypt_key", secret);
        let after = members.patched("take_back_after", duration);
        let per_day = members.patched("take_back_per_day", per_day);

        let base_url = match base_url {
            Some(Some(text)) => self.base_url(members, platform, text).map(Some),
            Some(None) => Some(None),
            None => None,
        };
        let mode = kept(members, "mode", mode);
        let given = |secret: &Option<Option<SecretString>>, key: &'static str| {
            secret.as_ref().and_then(Option::as_ref).map(|_| key)
        };
        let key = given(&verification_token, "verification_token");
        let key = key.or(given(&encrypt_key, "encrypt_key"));
        let mode = mode.or_else(|| key.map(|_| record.mode));
        if mode.is_some() {
            fit(members, Mode::from_keys(platform, mode, key));
        }
        Some(InstallationChange {
            expected: None,
            name: kept(members, "name", name),
            app_secret: kept(members, secret_key, app_secret)
                .map(|secret| NewAppSecret { secret, present }),
            base_url: field(base_url),
            proxy: field(proxy),
            mode,
            verification_token: field(verification_token),
            encrypt_key: field(encrypt_key),
            take_back: take_back(members, record, after, per_day),
        })
    }

    fn base_url(
        &self,
        members: &mut Members<'_, '_>,
        platform: Platform,
        text: &str,
    ) -> Option<BaseUrl> {
        let base_url = BaseUrl::parse(platform, text, &self.plain_hosts);
        let fault = |error| Misfit::Wrong {
            key: "base_url",
            message: format!("{error}"),
        };
        fit(members, base_url.map_err(fault))
    }
}

/// How much is tried of a new bot, by the members `probe` and `exclusive`.
fn extent(
    platform: Platform,
    probe: Option<bool>,
    exclusive: Option<bool>,
) -> Result<ProbeExtent, Misfit> {
    match (probe.unwrap_or(true), exclusive.unwrap_or(false)) {
        (true, false) => Ok(ProbeExtent::Harmless),
        (false, false) => Ok(ProbeExtent::Skip),
        (false, true) => Err(Misfit::Wrong {
            key: "exclusive",
            message: "says how the bot is tried, which `probe` forbids".to_owned(),
        }),
        (true, true) if platform == Platform::Wecom => Ok(ProbeExtent::Exclusive),
        (true, true) => Err(Misfit::Wrong {
            key: "exclusive",
            message: "is for bots of WeCom; the credentials of an app of Feishu or Lark are tried without it"
                .to_owned(),
        }),
    }
}

/// Reads the members of an object, all mistakes collected.
fn read<T>(
    json: &Value,
    read: impl FnOnce(&mut Members<'_, '_>) -> Option<T>,
) -> Result<T, DefinitionFaults> {
    let mut faults = Vec::new();
    let outcome = match Member::root(json).members(&mut faults) {
        None => None,
        Some(mut members) => {
            let outcome = read(&mut members);
            members.refuse_others();
            outcome
        }
    };
    match outcome {
        Some(outcome) if faults.is_empty() => Ok(outcome),
        Some(_) | None => Err(DefinitionFaults::new(faults)),
    }
}

/// What fits, or a mistake at the key that does not.
fn fit<T>(members: &mut Members<'_, '_>, outcome: Result<T, Misfit>) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(Misfit::Missing { key }) => {
            members.fault(key, FaultCode::Missing, format!("`{key}` has to be there"));
            None
        }
        Err(Misfit::Wrong { key, message }) => {
            members.fault(key, FaultCode::InvalidValue, message);
            None
        }
    }
}

/// A member that a patch may change and not take away.
fn kept<T>(
    members: &mut Members<'_, '_>,
    name: &'static str,
    patched: Option<Option<T>>,
) -> Option<T> {
    if let Some(None) = patched {
        let detail = "it can be changed and not taken away";
        members.fault(name, FaultCode::InvalidValue, detail);
    }
    patched.flatten()
}

fn field<T>(patched: Option<Option<T>>) -> FieldChange<T> {
    match patched {
        None => FieldChange::Keep,
        Some(None) => FieldChange::Clear,
        Some(Some(value)) => FieldChange::Set(value),
    }
}

/// Both halves of a take-back, of which a patch may change one.
fn take_back(
    members: &mut Members<'_, '_>,
    record: &InstallationRecord,
    after: Option<Option<Duration>>,
    per_day: Option<Option<u32>>,
) -> FieldChange<TakeBack> {
    if after.is_none() && per_day.is_none() {
        return FieldChange::Keep;
    }
    let after = after.unwrap_or(record.take_back.map(TakeBack::after));
    let per_day = per_day.unwrap_or(record.take_back.map(TakeBack::per_day));
    match fit(
        members,
        TakeBack::from_keys(record.platform, after, per_day),
    ) {
        Some(Some(take_back)) => FieldChange::Set(take_back),
        Some(None) | None => FieldChange::Clear,
    }
}

/// A secret, which holds nothing that only came along when it was copied.
fn secret(value: Member<'_>, faults: &mut Faults) -> Option<SecretString> {
    let text = value.text(faults)?;
    if text.trim().is_empty() {
        return value.fault(FaultCode::InvalidValue, "is empty", faults);
    }
    match StrayCharacter::in_text(text) {
        None => Some(text.into()),
        Some(stray) => value.fault(FaultCode::InvalidValue, stray.to_string(), faults),
    }
}

fn proxy(value: Member<'_>, faults: &mut Faults) -> Option<SecretString> {
    let text: SecretString = value.text(faults)?.into();
    match text.expose_secret().parse::<ProxyPolicy>() {
        Ok(_) => Some(text),
        Err(error) => value.fault(FaultCode::InvalidValue, error.to_string(), faults),
    }
}

fn duration(value: Member<'_>, faults: &mut Faults) -> Option<Duration> {
    value.duration(TakeBack::AFTER, faults)
}

fn per_day(value: Member<'_>, faults: &mut Faults) -> Option<u32> {
    let (least, most) = (*TakeBack::PER_DAY.start(), *TakeBack::PER_DAY.end());
    let number = value.number(least.into()..=most.into(), faults)?;
    u32::try_from(number).ok()
}
