//! The findings of a check, and the exit code they add up to.

use std::io::Write as _;

use longwire_language::{said, word};
use longwire_terminal::{Ink, Palette, escaped, say};
use serde_json::{Value, json};

use crate::cli::Form;
use crate::exit::{Exit, Failure};

/// Collects findings. People see each that wants something as it is made. What is fine comes last: as a number, or line by line.
pub(super) struct Findings {
    form: Form,
    /// Whether people see what is fine, too.
    verbose: bool,
    palette: Palette,
    lines: Vec<Value>,
    /// The lines of what is fine.
    fine: Vec<String>,
    bad: usize,
}

impl Findings {
    pub(super) fn new(form: Form, verbose: bool) -> Self {
        Self {
            form,
            verbose,
            palette: Palette::of(&std::io::stdout()),
            lines: Vec::new(),
            fine: Vec::new(),
            bad: 0,
        }
    }

    /// Something is as it should be.
    pub(super) fn good(&mut self, what: impl Into<String>, finding: String) {
        self.tell(true, what.into(), finding, None);
    }

    /// Something is not, and `fix` puts it right.
    pub(super) fn bad(&mut self, what: impl Into<String>, finding: String, fix: &str) {
        self.bad += 1;
        self.tell(false, what.into(), finding, Some(fix));
    }

    /// Something may be as it was meant, and `fix` changes it.
    pub(super) fn note(&mut self, what: impl Into<String>, finding: String, fix: &str) {
        self.tell(true, what.into(), finding, Some(fix));
    }

    fn tell(&mut self, good: bool, what: String, finding: String, fix: Option<&str>) {
        self.lines
            .push(json!({"ok": good, "what": what, "finding": finding, "fix": fix}));
        if self.form == Form::Table {
            let mark = match (good, fix) {
                (true, None) => self.palette.paint(Ink::Green, "✓"),
                (true, Some(_)) => self.palette.paint(Ink::Yellow, "!"),
                (false, _) => self.palette.paint(Ink::Red, "✗"),
            };
            // A finding of several lines, such as a mistake with its caret, stays aligned.
            let finding = said(&finding);
            let lines = finding.split('\n').map(|line| escaped(line).to_string());
            let finding = lines.collect::<Vec<_>>().join("\n    ");
            let what = format!("{}:", escaped(&said(word(&what))));
            let mut text = format!("{mark} {} {finding}\n", self.palette.paint(Ink::Bold, what));
            if let Some(fix) = fix {
                text.push_str(&format!("    → {}\n", said(fix)));
            }
            if good && fix.is_none() {
                return self.fine.push(text);
            }
            // A reader that has gone away still gets the exit code.
            let _ = std::io::stdout().write_all(text.as_bytes());
        }
    }

    /// The exit code, and for programs the whole document.
    pub(super) fn finish(self) -> Result<Exit, Failure> {
        let mut out = std::io::stdout().lock();
        super::super::tell(match self.form {
            Form::Table if self.verbose => self
                .fine
                .iter()
                .try_for_each(|line| out.write_all(line.as_bytes())),
            Form::Table => Ok(()),
            Form::Json => writeln!(
                out,
                "{}",
                json!({"ok": self.bad == 0, "findings": self.lines})
            ),
            Form::Ndjson => self
                .lines
                .iter()
                .try_for_each(|line| writeln!(out, "{line}")),
        })?;
        match self.bad {
            0 => say("nothing is wrong"),
            1 => say("1 problem"),
            count => say(format_args!("{count} problems")),
        }
        if !self.verbose && !self.fine.is_empty() {
            let count = self.fine.len();
            say(format_args!(
                "checks that are fine: {count} (-v shows them)"
            ));
        }
        Ok(if self.bad == 0 {
            Exit::Done
        } else {
            Exit::Findings
        })
    }
}
