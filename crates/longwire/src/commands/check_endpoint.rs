//! `longwire check-endpoint`: whether the webhook of an application does what a delivery needs.
//!
//! The posts go out as deliveries do: the same client, proxy, roots and address filter, as the configuration has them. On
//! a host without a configuration, loopback and private networks are allowed, because whoever types the command may reach
//! them anyway.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use longwire_egress::endpoint::{
    EndpointCa, EndpointHeaders, EndpointSettings, EndpointUrl, PostLimits,
};
use longwire_egress::{AddressFilter, Egress};
use longwire_endpoint_check::{CheckReport, CheckRow, EndpointCheck, FindingGrade};
use longwire_fleet::setback::chain;
use longwire_language::{said, word};
use longwire_terminal::{Ink, Palette, escaped, say};
use longwire_wire::webhook::WebhookSecret;
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::cli::{CheckEndpoint, Form};
use crate::config::{Config, ConfigError, Loaded, SecretRef, SettingValues};
use crate::exit::{Exit, Failure};
use crate::{gateway, logs, prompt};

pub(crate) fn run(config: Option<&Path>, wanted: &CheckEndpoint) -> Result<Exit, Failure> {
    logs::start_for_command();
    let (loaded, filter) = surroundings(config)?;
    let mut settings = EndpointSettings::new(url(&wanted.url)?, Arc::new(filter));
    settings.headers = headers(&wanted.headers)?;
    if let Some(file) = &wanted.ca_file {
        let pem = read(file)?;
        let ca = EndpointCa::from_pem(&pem).map_err(|error| Failure::Usage(chain(&error)))?;
        settings.ca = Some(ca);
    }
    let (egress, _) = gateway::egress(&loaded)?;
    let check = EndpointCheck {
        sample: wanted.sample.as_deref().map(read).transpose()?,
        expect_gone: wanted.expect_gone,
        is_secure: settings.url.is_secure(),
        is_checked_by_name: settings.url.is_named() && settings.url.is_proxied(&egress),
        limits: PostLimits {
            deadline: loaded.config.webhooks.timeout,
            ..PostLimits::default()
        },
        // Last, because a person is asked for it.
        secret: secret(wanted)?,
    };
    let report = actix_rt::System::new().block_on(async {
        let client = Egress::new(&egress).endpoint(&settings);
        check.run(&client).await
    });
    print(&report, wanted.output.output)?;
    Ok(if report.is_good() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

/// The configuration, and the addresses that it allows. Without a file that was asked for, the defaults.
fn surroundings(config: Option<&Path>) -> Result<(Loaded, AddressFilter), Failure> {
    let (loaded, filter) = match Loaded::read(config) {
        Ok(loaded) => {
            let filter = loaded.config.webhooks.filter();
            (loaded, filter)
        }
        Err(ConfigError::Missing { file }) if config.is_none() => {
            let loaded = Loaded {
                config: Config::default(),
                file,
                directory: std::path::PathBuf::new(),
                overrides: Vec::new(),
                values: SettingValues::default(),
            };
            (loaded, AddressFilter::from_entries(["loopback", "private"]))
        }
        Err(error) => return Err(error.into()),
    };
    let filter = filter.expect("validation has accepted the entries, and both words are known");
    Ok((loaded, filter))
}

fn url(text: &str) -> Result<EndpointUrl, Failure> {
    text.parse().map_err(|error| Failure::Usage(chain(&error)))
}

fn headers(lines: &[String]) -> Result<EndpointHeaders, Failure> {
    let pairs: Option<Vec<_>> = lines.iter().map(|line| line.split_once(':')).collect();
    let pairs =
        pairs.ok_or_else(|| Failure::Usage("a header is written as `Name: value`".to_owned()))?;
    EndpointHeaders::new(pairs).map_err(|error| Failure::Usage(error.to_string()))
}

fn secret(wanted: &CheckEndpoint) -> Result<WebhookSecret, Failure> {
    let text = match &wanted.secret_file {
        Some(file) => SecretRef::File(file.clone()).resolve_secret(Path::new(""))?,
        None if wanted.secret_stdin => {
            prompt::from_stdin().map_err(Failure::io("read the secret from standard input"))?
        }
        None => prompt::ask("webhook secret (whsec_…)")
            .map_err(|error| Failure::Usage(error.to_string()))?,
    };
    WebhookSecret::parse(text.expose_secret()).map_err(|error| Failure::Usage(error.to_string()))
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(Failure::io(format!("read {}", file.display())))
}

fn print(report: &CheckReport, form: Form) -> Result<Exit, Failure> {
    let mut out = std::io::stdout().lock();
    let written = match form {
        Form::Table => {
            let palette = Palette::of(&std::io::stdout());
            let mut rows = report.rows.iter();
            rows.try_for_each(|row| out.write_all(line(row, &palette).as_bytes()))
        }
        Form::Json => writeln!(
            out,
            "{}",
            json!({"ok": report.is_good(), "findings": report.rows})
        ),
        Form::Ndjson => {
            let mut rows = report.rows.iter();
            rows.try_for_each(|row| writeln!(out, "{}", json!(row)))
        }
    };
    let count = |verdict| {
        report
            .rows
            .iter()
            .filter(|row| row.verdict == verdict)
            .count()
    };
    say(match count(FindingGrade::Bad) {
        0 => "events can be delivered there".to_owned(),
        1 => "1 problem".to_owned(),
        problems => format!("{problems} problems"),
    });
    super::tell(written)
}

/// One finding for people.
fn line(row: &CheckRow, palette: &Palette) -> String {
    let mark = match row.verdict {
        FindingGrade::Good => palette.paint(Ink::Green, "✓"),
        FindingGrade::Advice => palette.paint(Ink::Yellow, "!"),
        FindingGrade::Bad => palette.paint(Ink::Red, "✗"),
    };
    let aspect = palette.paint(Ink::Bold, format!("{}:", said(word(row.aspect.label()))));
    let mut text = format!("{mark} {aspect} {}\n", escaped(&said(&row.finding)));
    if let Some(fix) = row.fix {
        text.push_str(&format!("    → {}\n", said(fix)));
    }
    text
}
