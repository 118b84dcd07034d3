//! The commented sample: what `longwire print config` prints and `longwire init` writes.

/// Every setting with its default and a word on it. A test holds it against the defaults.
pub(crate) const SAMPLE: &str = include_str!("sample.toml");

/// The setting that differs in the file of `longwire init`, with its default.
const NO_NETWORKS: &str = "allow_networks = []";

/// The sample as `longwire init` writes it: an application on the same host may have events, as a first one usually is.
pub(crate) fn for_init() -> String {
    SAMPLE.replacen(NO_NETWORKS, "allow_networks = [\"loopback\"]", 1)
}

/// Where the store of [`SAMPLE`] is: beside the file.
const STORE_BESIDE: &str = "url = \"sqlite:longwire.db\"";

/// The sample as packages install it: the unit may write to its state directory alone, and not to /etc.
pub(crate) fn for_service() -> String {
    SAMPLE.replacen(
        STORE_BESIDE,
        "url = \"sqlite:/var/lib/longwire/longwire.db\"",
        1,
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use longwire_store::StoreUrl;

    use crate::config::{Config, Loaded};

    fn parse(text: &str) -> Config {
        match Loaded::parse(text, Path::new("sample.toml"), []) {
            Ok(loaded) => loaded.config,
            Err(error) => panic!("{error}"),
        }
    }

    /// The sample with its optional settings switched on.
    fn uncommented() -> String {
        SAMPLE
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(setting) if !setting.starts_with(' ') => setting,
                _ => line,
            })
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn the_sample_is_the_defaults() {
        assert_eq!(parse(SAMPLE), Config::default());
    }

    /// S209: not even a sample holds a secret, since samples are copied. A reference says where it is.
    #[test]
    fn the_sample_has_no_secret() {
        let table: toml::Table = uncommented().parse().expect("the sample parses");
        let bots = table["installation"].as_array().expect("a list of bots");
        let mut found = 0;
        for (key, value) in bots.iter().filter_map(toml::Value::as_table).flatten() {
            if key.contains("secret") || key.contains("token") || key.ends_with("_key") {
                let reference = value.as_table().expect("a secret is a reference");
                let places: Vec<_> = reference.keys().map(String::as_str).collect();
                assert!(
                    ["file", "env", "credential"]
                        .map(|place| vec![place])
                        .contains(&places),
                    "{key} = {value}"
                );
                found += 1;
            }
        }
        assert!(found >= 2, "each platform has a secret");
        // Passwords stand in addresses too.
        assert!(!SAMPLE.contains('@'), "an address with a password");
    }

    #[test]
    fn the_first_file_allows_loopback() {
        let mut expected = Config::default();
        expected.webhooks.allow_networks = vec!["loopback".to_owned()];
        assert_eq!(parse(&for_init()), expected);
    }

    #[test]
    fn the_file_of_the_service_keeps_its_store_in_the_state_directory() {
        let mut expected = Config::default();
        expected.store.url = StoreUrl::new("sqlite:/var/lib/longwire/longwire.db");
        assert_eq!(parse(&for_service()), expected);
    }

    #[test]
    fn optional_settings_parse_too() {
        let config = parse(&uncommented());
        assert_eq!(config.installations.len(), 2);
        assert!(matches!(config.installations[1].take_back(), Ok(Some(_))));
        assert!(
            config.store.key_file.is_some()
                && config.tls.ca_file.is_some()
                && config.proxy.url.is_some()
        );
    }

    #[test]
    fn no_setting_is_missing() {
        let table: toml::Table = uncommented().parse().expect("the sample parses");
        for (section, value) in &table {
            let probe = match value {
                toml::Value::Array(_) => format!("[[{section}]]\nno_such_key = 1"),
                _ => format!("[{section}]\nno_such_key = 1"),
            };
            let error = toml::from_str::<Config>(&probe)
                .expect_err("unknown keys are refused")
                .to_string();
            // No one bot has every key.
            let entries = value
                .as_array()
                .map_or(std::slice::from_ref(value), Vec::as_slice);
            for key in expected(&error) {
                assert!(
                    entries.iter().any(|entry| entry.get(&key).is_some()),
                    "{section}.{key} is not in the sample"
                );
            }
        }
        let error = toml::from_str::<Config>("no_such_section = 1")
            .expect_err("unknown sections are refused");
        for section in expected(&error.to_string()) {
            assert!(
                table.contains_key(&section),
                "[{section}] is not in the sample"
            );
        }
    }

    /// The names in back quotes after the word "expected".
    fn expected(message: &str) -> Vec<String> {
        let (_, names) = message
            .split_once("expected")
            .expect("serde lists what it knows");
        names
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    }
}
