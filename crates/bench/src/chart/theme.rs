//! Colours and letters of a chart, and how both become those of a reader who prefers the dark.

use std::fmt::Write as _;

use plotters::style::{FontDesc, IntoFont as _, RGBColor};

pub(super) const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
/// Titles and marks.
pub(super) const INK: RGBColor = RGBColor(0x1c, 0x24, 0x30);
/// All other text, and the axes.
pub(super) const SOFT: RGBColor = RGBColor(0x5b, 0x66, 0x75);
/// The lines at the ticks.
pub(super) const RULE: RGBColor = RGBColor(0xe3, 0xe7, 0xec);
/// Lines of a panel have colours of their own up to this number.
pub(super) const LINES: [RGBColor; 5] = [
    RGBColor(0x17, 0x66, 0xc2),
    RGBColor(0xc2, 0x54, 0x1a),
    RGBColor(0x1d, 0x85, 0x60),
    RGBColor(0x8a, 0x3f, 0xa8),
    RGBColor(0xa0, 0x7a, 0x00),
];

/// What the colours become in the dark.
const DARK: [(RGBColor, &str); 9] = [
    (PAPER, "#12161c"),
    (INK, "#e6eaf0"),
    (SOFT, "#9aa6b5"),
    (RULE, "#2a323d"),
    (LINES[0], "#6cb0ff"),
    (LINES[1], "#ff9d66"),
    (LINES[2], "#5cd1a6"),
    (LINES[3], "#d296ec"),
    (LINES[4], "#e6c34d"),
];

/// The font that the reader's system has.
const FAMILY: &str = "system-ui, -apple-system, Segoe UI, Roboto, sans-serif";
/// `plotters` divides the size by this before it writes it.
const SIZE_FACTOR: f64 = 1.24;

/// Letters of this size in pixels.
pub(super) fn font(size_px: f64) -> FontDesc<'static> {
    (FAMILY, size_px * SIZE_FACTOR).into_font()
}

/// The drawing with a name, and with a style sheet for readers who prefer the dark. A style sheet counts for more than
/// the attributes that `plotters` writes.
pub(super) fn themed(svg: &str, title: &str) -> String {
    let mut style = String::new();
    for (RGBColor(red, green, blue), dark) in DARK {
        let light = format!("#{red:02X}{green:02X}{blue:02X}");
        // Writing to a text cannot fail.
        let _ = write!(
            style,
            "[fill=\"{light}\"]{{fill:{dark}}}[stroke=\"{light}\"]{{stroke:{dark}}}"
        );
    }
    let name = title
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;");
    let (head, rest) = svg.split_once('>').unwrap_or((svg, ""));
    format!(
        "{head} role=\"img\" aria-label=\"{name}\">\n\
         <style>@media (prefers-color-scheme:dark){{{style}}}</style>{rest}"
    )
}
