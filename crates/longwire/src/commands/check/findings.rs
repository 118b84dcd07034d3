//! The lines of a check, and the exit code they add up to.

use std::io::Write as _;

use longwire_language::{said, word};
use longwire_terminal::{Ink, Palette, escaped, say};
use serde_json::{Value, json};

use crate::cli::Form;
use crate::exit::{Exit, Failure};

/// Collects findings; people see each as it is made.
pub(super) struct Findings {
    form: Form,
    palette: Palette,
    lines: Vec<Value>,
    bad: usize,
}

impl Findings {
    pub(super) fn new(form: Form) -> Self {
        Self {
            form,
            palette: Palette::of(&std::io::stdout()),
            lines: Vec::new(),
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
            let mark = if good {
                self.palette.paint(Ink::Green, "✓")
            } else {
                self.palette.paint(Ink::Red, "✗")
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
            // A reader that has gone away still gets the exit code.
            let _ = std::io::stdout().write_all(text.as_bytes());
        }
    }

    /// The exit code, and for programs the whole document.
    pub(super) fn finish(self) -> Result<Exit, Failure> {
        let mut out = std::io::stdout().lock();
        super::super::tell(match self.form {
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
        Ok(if self.bad == 0 {
            Exit::Done
        } else {
            Exit::Findings
        })
    }
}
