//! What is wrong with a command line, in Chinese.

use std::error::Error as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use longwire_language::said;
use longwire_terminal::{Ink, Palette};

use super::help;

/// The mistake, what would be right, and the usage.
pub(super) fn told(error: &clap::Error) -> String {
    let written = error.render().to_string();
    let Some(what) = what(error) else {
        // Help that nobody asked for, and kinds that this command line cannot have.
        return help::told(error);
    };
    let palette = Palette::of(&std::io::stderr());
    let mut text = format!("{}{what}\n", palette.paint(Ink::Red, "错误: "));
    let tips: Vec<String> = tips(error).iter().map(|tip| format!("  {tip}\n")).collect();
    if !tips.is_empty() {
        text.push_str(&format!("\n{}", tips.concat()));
    }
    if let Some((_, usage)) = written.split_once("\nUsage: ") {
        let usage = usage.split("\n\nFor more").next().unwrap_or_default();
        text.push_str(&format!("\n用法: {}\n", help::in_chinese(usage.trim_end())));
    }
    text.push_str("\n详细说明请用 '--help'。\n");
    text
}

/// One sentence about the kinds that this command line can have.
fn what(error: &clap::Error) -> Option<String> {
    let argument = || value(error, ContextKind::InvalidArg);
    let given = || value(error, ContextKind::InvalidValue);
    Some(match error.kind() {
        ErrorKind::InvalidValue if given().is_some_and(|given| !given.is_empty()) => {
            format!("'{}' 不能用于 '{}'", given()?, argument()?)
        }
        ErrorKind::InvalidValue => format!("'{}' 需要一个值，但没有给出", argument()?),
        ErrorKind::ValueValidation => {
            let reason = error
                .source()
                .map(|source| said(&source.to_string()).into_owned());
            let reason = reason.map_or_else(String::new, |reason| format!("：{reason}"));
            format!("'{}' 不能用于 '{}'{reason}", given()?, argument()?)
        }
        ErrorKind::UnknownArgument => format!("没有参数 '{}'", argument()?),
        ErrorKind::InvalidSubcommand => {
            format!(
                "没有命令 '{}'",
                value(error, ContextKind::InvalidSubcommand)?
            )
        }
        ErrorKind::ArgumentConflict => match value(error, ContextKind::PriorArg) {
            Some(other) if Some(&other) != argument().as_ref() => {
                format!("'{}' 不能与 '{other}' 一起使用", argument()?)
            }
            _ => format!("'{}' 只能给出一次", argument()?),
        },
        ErrorKind::MissingRequiredArgument => {
            format!("缺少必需的参数：{}", argument()?.replace(", ", "、"))
        }
        ErrorKind::MissingSubcommand => {
            format!(
                "'{}' 需要子命令",
                value(error, ContextKind::InvalidSubcommand)?
            )
        }
        ErrorKind::NoEquals => format!("'{}' 与它的值之间需要等号", argument()?),
        ErrorKind::TooManyValues => format!("'{}' 不再接受更多的值：'{}'", argument()?, given()?),
        ErrorKind::InvalidUtf8 => "参数不是有效的 UTF-8".to_owned(),
        _ => return None,
    })
}

/// What would be right.
fn tips(error: &clap::Error) -> Vec<String> {
    let mut tips = Vec::new();
    for (kind, before) in [
        (ContextKind::ValidValue, "可用的值："),
        (ContextKind::ValidSubcommand, "可用的命令："),
        (ContextKind::SuggestedArg, "提示：有相近的参数 "),
        (ContextKind::SuggestedSubcommand, "提示：有相近的命令 "),
        (ContextKind::SuggestedValue, "提示：有相近的值 "),
    ] {
        if let Some(value) = value(error, kind).filter(|value| !value.is_empty()) {
            tips.push(format!("{before}{}", value.replace(", ", "、")));
        }
    }
    tips
}

fn value(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::None => None,
        value => Some(value.to_string()),
    }
}
