//! An installation that is to be added, as a program or `longwire installations add` asks for it.

use std::time::Duration;

use longwire_access::Space;
use longwire_egress::ProxyPolicy;
use longwire_installation::{
    BaseUrl, CredentialKeys, Desired, Origin, Platform, StrayCharacter, TakeBack,
};
use longwire_store::NewInstallation;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

/// What the configuration says of installations that are added.
#[derive(Debug, Clone)]
pub struct AddRules {
    /// Hosts that may be reached without TLS, beside loopback.
    pub plain_hosts: Vec<String>,
    /// Reads a duration as the configuration has it.
    pub parse_duration: fn(&str) -> Option<Duration>,
}

/// A new installation, as `longwire installations add` sends it. Not printable: it holds secrets.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddRequest {
    /// The operator's name for it.
    pub name: String,
    /// `feishu`, `lark` or `wecom`.
    pub platform: String,
    /// On Feishu and Lark, with `app_secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    /// The app's secret.
    pub app_secret: Option<String>,
    /// On WeCom, with `secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    /// The bot's secret.
    pub secret: Option<String>,
    /// Another address of the platform.
    #[serde(default)]
    pub base_url: Option<String>,
    /// `direct`, or a proxy's address.
    #[serde(default)]
    pub proxy: Option<String>,
    /// On WeCom, with `take_back_per_day`: a duration with its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub take_back_after: Option<String>,
    /// On WeCom: how often within 24 hours a bot that another client took is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub take_back_per_day: Option<u32>,
    /// `run` or `stop`.
    #[serde(default = "run")]
    pub desired: String,
}

fn run() -> String {
    Desired::Run.label().to_owned()
}

impl AddRequest {
    /// The installation it asks for, in this space.
    ///
    /// # Errors
    /// What is wrong with it, without a secret.
    pub fn check(
        self,
        origin: Origin,
        space: Space,
        rules: &AddRules,
    ) -> Result<NewInstallation, String> {
        let app_secret = self.app_secret.map(SecretString::from);
        let secret = self.secret.map(SecretString::from);
        let proxy = self.proxy.map(SecretString::from);
        let platform = Platform::parse(&self.platform)
            .ok_or_else(|| format!("platform is feishu, lark or wecom, not `{}`", self.platform))?;
        let given = CredentialKeys {
            app_id: self.app_id.as_deref(),
            app_secret: app_secret.as_ref(),
            bot_id: self.bot_id.as_deref(),
            secret: secret.as_ref(),
        };
        let credentials = given
            .for_platform(platform)
            .map_err(|misfit| misfit.to_string())?;
        if credentials.secret.expose_secret().trim().is_empty() {
            return Err(format!("{} is empty", credentials.secret_key));
        }
        if let Some(stray) = StrayCharacter::in_text(credentials.secret.expose_secret()) {
            return Err(format!("{} {stray}", credentials.secret_key));
        }
        let after = match self.take_back_after.as_deref().map(rules.parse_duration) {
            None => None,
            Some(Some(after)) => Some(after),
            Some(None) => {
                return Err("take_back_after is no duration with its unit, as in 10m".to_owned());
            }
        };
        let take_back = TakeBack::from_keys(platform, after, self.take_back_per_day)
            .map_err(|misfit| misfit.to_string())?;
        let base_url = self.base_url.as_deref();
        let base_url = base_url.map(|text| BaseUrl::parse(platform, text, &rules.plain_hosts));
        let base_url = base_url
            .transpose()
            .map_err(|error| format!("base_url: {error}"))?;
        if let Some(proxy) = &proxy {
            (proxy.expose_secret().parse::<ProxyPolicy>())
                .map_err(|error| format!("proxy: {error}"))?;
        }
        Ok(NewInstallation {
            platform,
            desired: Desired::parse(&self.desired)
                .ok_or_else(|| format!("desired is run or stop, not `{}`", self.desired))?,
            name: (self.name.parse())
                .map_err(|error| format!("`{}` is no name: {error}", self.name))?,
            app_id: credentials.id.to_owned(),
            app_secret: credentials.secret.clone(),
            base_url,
            proxy,
            mode: Default::default(),
            verification_token: None,
            encrypt_key: None,
            take_back,
            origin,
            space,
        })
    }
}
