//! Ids that no app or bot of their platform was seen with. The platforms promise no form, so this is a note and no refusal.

use longwire_installation::Platform;

use super::findings::Findings;

/// Tells of an id that is none, most likely.
pub(super) fn tell(name: &str, platform: Platform, id: &str, findings: &mut Findings) {
    if let Some(usual) = unusual(platform, id) {
        findings.note(
            format!("id of {name}"),
            format!("`{id}` does not look like an id of {platform}, which is {usual}"),
            "compare it with the platform's console; leave it if the console shows it so",
        );
    }
}

/// What ids of the platform look like, where this one does not: apps of Feishu and Lark have `cli_` and letters or digits, WeCom's
/// bots `aib` and what WeCom chooses.
fn unusual(platform: Platform, id: &str) -> Option<&'static str> {
    let (prefix, usual) = match platform {
        Platform::Feishu | Platform::Lark => ("cli_", "`cli_` and letters and digits"),
        Platform::Wecom => ("aib", "`aib` and more letters and digits"),
    };
    let is_usual = id.strip_prefix(prefix).is_some_and(|rest| {
        let mut characters = rest.chars();
        !rest.is_empty() && characters.all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
    });
    (!is_usual).then_some(usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_the_other_platform_and_half_ones_are_unusual() {
        for (platform, id, is_usual) in [
            (Platform::Feishu, "cli_9f1a2b3c4d5e6f70", true),
            (Platform::Lark, "cli_a1B2", true),
            (Platform::Feishu, "cli_", false),
            (Platform::Feishu, "9f1a2b3c4d5e6f70", false),
            (Platform::Feishu, "aibXYZ", false),
            (Platform::Lark, "cli_机器人", false),
            (Platform::Wecom, "aibAbC-1_2", true),
            (Platform::Wecom, "aib", false),
            (Platform::Wecom, "cli_9f1a", false),
            (Platform::Wecom, "ww0123456789abcdef", false),
        ] {
            assert_eq!(unusual(platform, id).is_none(), is_usual, "{id}");
        }
    }
}
