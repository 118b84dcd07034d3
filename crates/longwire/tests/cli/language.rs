//! The command line in Chinese: who asks for it, and what stays English.

use super::*;

/// `longwire` in an initialised directory, with these variables.
fn with(directory: &TempDir, variables: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = longwire(directory.path());
    command.envs(variables.iter().copied()).args(arguments);
    command
}

#[test]
fn an_error_and_what_to_do_are_told_in_the_language_of_the_person() {
    let directory = initialised();
    let show = ["installations", "show", "nobody"];
    let chinese = "错误: 没有名为 `nobody` 的机器人\n  建议: `longwire installations list` 显示现有的机器人\n";
    let english = "error: there is no installation `nobody`\n  try: `longwire installations list` shows them\n";
    for (variables, expected) in [
        (&[][..], english),
        (&[("LANG", "zh_CN.UTF-8")], chinese),
        (&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "C.UTF-8")], english),
        (&[("LC_ALL", "C.UTF-8"), ("LONGWIRE_LANG", "zh")], chinese),
    ] {
        let (_, said) = run(&mut with(&directory, variables, &show), 6);
        assert_eq!(said, expected, "{variables:?}");
    }
    let (_, said) = run(
        &mut with(
            &directory,
            &[("LANG", "zh_CN")],
            &["--lang", "en", "installations", "show", "nobody"],
        ),
        6,
    );
    assert_eq!(said, english);
    let (_, said) = run(
        &mut with(
            &directory,
            &[],
            &["installations", "show", "nobody", "--lang=zh"],
        ),
        6,
    );
    assert_eq!(said, chinese);
}

#[test]
fn a_cause_of_the_operating_system_is_translated_too() {
    let directory = initialised();
    let arguments = [
        "--lang",
        "zh",
        "check-endpoint",
        "http://127.0.0.1:9",
        "--secret-file",
        "missing",
    ];
    let (_, said) = run(&mut with(&directory, &[], &arguments), 2);
    let expected = "错误: 无法读取密钥文件 missing：没有那个文件或目录 (os error 2)\n";
    assert!(said.starts_with(expected), "{said}");
}

#[test]
fn help_and_mistakes_are_told_in_chinese() {
    let directory = TempDir::new().expect("a temporary directory");
    let (help, _) = run(
        &mut with(
            &directory,
            &[("LANG", "zh_CN.UTF-8")],
            &["tokens", "create", "--help"],
        ),
        0,
    );
    assert!(help.contains("创建令牌并输出"), "{help}");
    assert!(help.contains("- json：一个 JSON 文档"), "{help}");
    assert!(
        !help.contains("Options") && !help.contains("possible"),
        "{help}"
    );
    for (arguments, expected) in [
        (&["fly"][..], "错误: 没有命令 'fly'\n"),
        (&["serve", "--fast"], "错误: 没有参数 '--fast'\n"),
        (
            &["demo", "--rate", "no"],
            "错误: 'no' 不能用于 '--rate <PER_SECOND>'：速率是 0.1 到 1000000 之间的数字\n",
        ),
        (
            &["check", "-o", "xml"],
            "错误: 'xml' 不能用于 '--output <OUTPUT>'\n",
        ),
        (
            &["check", "-o"],
            "错误: '--output <OUTPUT>' 需要一个值，但没有给出\n",
        ),
        (
            &["tokens", "create", "a"],
            "错误: 缺少必需的参数：--scope <SCOPE>\n",
        ),
        (
            &["relay", "--connected", "--url", "http://a"],
            "错误: '--connected' 不能与 '--url <URL>' 一起使用\n",
        ),
        (&["tokens"], "用法: longwire tokens [选项] <命令>\n"),
        (
            &["--lang", "klingon"],
            "错误: 'klingon' 不能用于 '--lang <zh|en>'：语言是 `zh` 或 `en`\n",
        ),
    ] {
        let (_, said) = run(
            &mut with(&directory, &[("LANG", "zh_CN.UTF-8")], arguments),
            2,
        );
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn what_programs_read_stays_english() {
    let directory = initialised();
    for arguments in [
        &["check", "-o", "json"][..],
        &["installations", "list", "-o", "json"],
        &["tokens", "list", "-o", "ndjson"],
        &["print", "config"],
    ] {
        let read = |language| {
            let output = with(&directory, &[("LONGWIRE_LANG", language)], arguments).output();
            let output = output.expect("it runs");
            let text = String::from_utf8(output.stdout).expect("it writes utf-8");
            // The free space of the disk changes meanwhile.
            text.replace(|digit: char| digit.is_ascii_digit(), "")
        };
        assert_eq!(read("zh"), read("en"), "{arguments:?}");
    }
}
