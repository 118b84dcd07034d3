//! What a person sees: colours where they are welcome, tables, marks, a line rewritten in place.

use std::fmt::{self, Display, Write as _};
use std::io::IsTerminal;

use longwire_language::word;
use unicode_width::UnicodeWidthStr as _;

/// Whether `stream` takes colours: a terminal, no `NO_COLOR` (<https://no-color.org>), no dumb terminal.
pub fn colours_on(stream: &impl IsTerminal) -> bool {
    stream.is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|value| value != "dumb")
}

/// The few colours in use.
#[derive(Debug, Clone, Copy)]
pub enum Ink {
    /// For what stands beside.
    Dim,
    /// For what is looked for first.
    Bold,
    /// Good.
    Green,
    /// Not yet good.
    Yellow,
    /// Wrong.
    Red,
}

/// Puts colours on, or leaves them off.
#[derive(Debug, Clone, Copy)]
pub struct Palette {
    on: bool,
}

impl Palette {
    /// For what is written to `stream`.
    pub fn of(stream: &impl IsTerminal) -> Self {
        Self {
            on: colours_on(stream),
        }
    }

    /// Without colours.
    pub fn plain() -> Self {
        Self { on: false }
    }

    /// `text` in `ink`.
    pub fn paint(self, ink: Ink, text: impl Display) -> String {
        let code = match ink {
            Ink::Dim => 2,
            Ink::Bold => 1,
            Ink::Green => 32,
            Ink::Yellow => 33,
            Ink::Red => 31,
        };
        if self.on {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }
}

/// Left-aligned columns, as wide as their widest cell.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings, in the language of the process.
    pub fn new<const N: usize>(headings: [&str; N]) -> Self {
        let headings = headings.map(word);
        Self {
            rows: vec![headings.map(str::to_owned).to_vec()],
        }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.first().map_or(0, Vec::len);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                self.rows
                    .iter()
                    .map(|row| width(&row[column]))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, wanted) in row.iter().zip(&widths) {
                write!(line, "{cell}{:pad$}", "", pad = wanted - width(cell) + 2)?;
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// `text` with blanks behind it, so that it takes at least so many columns.
pub fn padded(text: &str, columns: usize) -> String {
    let pad = columns.saturating_sub(width(text));
    format!("{text}{:pad$}", "")
}

/// Columns a text takes: wide characters (Chinese names are common here) take two, marks and colours none.
pub fn width(text: &str) -> usize {
    let mut columns = 0;
    let mut rest = text;
    while let Some((before, colour)) = rest.split_once('\x1b') {
        columns += before.width();
        rest = colour.split_once('m').map_or("", |(_, behind)| behind);
    }
    columns + rest.width()
}

/// A block of lines that replaces itself.
#[derive(Debug, Default)]
pub struct Redrawn {
    lines: usize,
}

impl Redrawn {
    /// What writes `text` over what was written last time.
    pub fn over(&mut self, text: &str) -> String {
        // Without wrapping, a line too long for the window is cut and the block keeps its height.
        let mut frame = String::from("\x1b[?7l");
        if self.lines > 0 {
            // Up to the first line of the block.
            frame.push_str(&format!("\x1b[{}A\r", self.lines));
        }
        for line in text.lines() {
            // Each line cleared to its end, then what is left below.
            frame.push_str(line);
            frame.push_str("\x1b[K\n");
        }
        frame.push_str("\x1b[J\x1b[?7h");
        self.lines = text.lines().count();
        frame
    }
}

/// A number with blanks between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Microseconds in milliseconds, short.
pub fn ms(us: u64) -> String {
    let ms = us as f64 / 1000.0;
    match us {
        0..10_000 => format!("{ms:.2} ms"),
        10_000..100_000 => format!("{ms:.1} ms"),
        _ => format!("{ms:.0} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_with_wide_characters() {
        let mut table = Table::new(["NAME", "STATE"]);
        table.row(["客服".into(), "live".into()]);
        table.row(["a".into(), "\x1b[32mlive\x1b[0m".into()]);
        assert_eq!(
            table.to_string(),
            "NAME  STATE\n客服  live\na     \x1b[32mlive\x1b[0m\n"
        );
        for (text, columns) in [
            ("客服", 4),
            ("🤖", 2),
            ("é", 1),
            ("e\u{301}", 1),
            ("👩\u{200d}💻", 2),
            ("❤\u{fe0f}", 2),
        ] {
            assert_eq!(width(text), columns, "{text}");
            assert_eq!(width(&padded(text, 6)), 6, "{text}");
        }
        assert_eq!(padded("long enough", 3), "long enough");
    }

    #[test]
    fn numbers() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(grouped),
            ["0", "999", "1 000", "1 234 567"]
        );
        assert_eq!(
            [276, 12_340, 1_500_000].map(ms),
            ["0.28 ms", "12.3 ms", "1500 ms"]
        );
    }
}
