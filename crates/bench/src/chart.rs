//! Draws a run as one SVG file that needs nothing else: no script, no font, no style sheet from elsewhere. It follows
//! the reader's choice of light or dark.
//!
//! A chart is a column of panels; a panel has two axes, lines of points, and marks beside points worth a word. What
//! is worth drawing is the commands' matter.

mod axis;
mod file;
mod latency;

use std::fmt::Write as _;

pub(super) use axis::Axis;
pub(super) use file::SvgFile;
pub(super) use latency::latency_panel;

const WIDTH: f64 = 880.0;
/// Where the panels' drawing areas begin and end.
const LEFT: f64 = 84.0;
const RIGHT: f64 = WIDTH - 28.0;
/// Title and subtitle.
const HEAD: f64 = 76.0;
/// A panel: its title and legend, its drawing area, its axis.
const PANEL_HEAD: f64 = 54.0;
const PANEL_AREA: f64 = 250.0;
const PANEL_FOOT: f64 = 62.0;
const PANEL: f64 = PANEL_HEAD + PANEL_AREA + PANEL_FOOT;
/// Width of a character of the legend, near enough to place the next entry.
const LEGEND_CHARACTER: f64 = 7.6;
/// Lines of a panel have colours of their own up to this number.
const COLOURS: usize = 5;

/// Colours by the names the shapes use. The second set is for the dark.
const STYLE: &str = "\
svg{--paper:#ffffff;--ink:#1c2430;--soft:#5b6675;--rule:#e3e7ec;--c0:#1766c2;--c1:#c2541a;--c2:#1d8560;--c3:#8a3fa8;--c4:#a07a00}\
@media (prefers-color-scheme:dark){svg{--paper:#12161c;--ink:#e6eaf0;--soft:#9aa6b5;--rule:#2a323d;--c0:#6cb0ff;--c1:#ff9d66;--c2:#5cd1a6;--c3:#d296ec;--c4:#e6c34d}}\
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;font-size:12px;fill:var(--soft)}\
.title{font-size:19px;font-weight:650;fill:var(--ink)}.panel{font-size:14px;font-weight:600;fill:var(--ink)}\
.mark{fill:var(--ink);font-weight:600}.paper{fill:var(--paper)}.rule{stroke:var(--rule);stroke-width:1}\
.axis{stroke:var(--soft);stroke-width:1}.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}";

/// A drawing.
#[derive(Debug, Clone)]
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) subtitle: String,
    pub(super) panels: Vec<Panel>,
}

/// Lines between two axes.
#[derive(Debug, Clone)]
pub(super) struct Panel {
    pub(super) title: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) lines: Vec<Line>,
    pub(super) marks: Vec<Mark>,
}

/// Points in the order in which they are joined.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// A point with a word.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    pub(super) at: (f64, f64),
    pub(super) text: String,
}

impl Chart {
    /// The file's text.
    pub(super) fn svg(&self) -> String {
        let height = HEAD + PANEL * self.panels.len() as f64;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">\n<style>{STYLE}</style>\n\
             <rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n",
            escaped(&self.title)
        );
        text(&mut out, "title", (28.0, 36.0), "start", &self.title);
        text(&mut out, "", (28.0, 57.0), "start", &self.subtitle);
        for (number, panel) in self.panels.iter().enumerate() {
            panel.draw(&mut out, HEAD + PANEL * number as f64);
        }
        out += "</svg>\n";
        out
    }
}

impl Panel {
    fn draw(&self, out: &mut String, top: f64) {
        let (area_top, area_bottom) = (top + PANEL_HEAD, top + PANEL_HEAD + PANEL_AREA);
        text(out, "panel", (LEFT, top + 20.0), "start", &self.title);
        self.legend(out, top + 20.0);
        let all = || self.lines.iter().flat_map(|line| &line.points);
        let x = self.x.fit(all().map(|point| point.0));
        let y = self.y.fit(all().map(|point| point.1));
        let place = |point: (f64, f64)| {
            (
                LEFT + x.share(point.0) * (RIGHT - LEFT),
                area_bottom - y.share(point.1) * PANEL_AREA,
            )
        };
        for (value, label) in y.ticks() {
            let at = area_bottom - y.share(*value) * PANEL_AREA;
            rule(out, "rule", (LEFT, at), (RIGHT, at));
            text(out, "", (LEFT - 9.0, at + 4.0), "end", label);
        }
        for (value, label) in x.ticks() {
            let at = LEFT + x.share(*value) * (RIGHT - LEFT);
            rule(out, "rule", (at, area_top), (at, area_bottom));
            text(out, "", (at, area_bottom + 18.0), "middle", label);
        }
        rule(out, "axis", (LEFT, area_bottom), (RIGHT, area_bottom));
        rule(out, "axis", (LEFT, area_top), (LEFT, area_bottom));
        let middle = (LEFT + RIGHT) / 2.0;
        text(
            out,
            "",
            (middle, area_bottom + 38.0),
            "middle",
            &self.x.label,
        );
        text(out, "", (LEFT - 9.0, area_top - 14.0), "end", &self.y.label);
        for (number, line) in self.lines.iter().enumerate() {
            line.draw(out, number % COLOURS, place);
        }
        for mark in &self.marks {
            mark.draw(out, place(mark.at));
        }
    }

    /// On the line of the title, from the right.
    fn legend(&self, out: &mut String, y: f64) {
        let mut right = RIGHT;
        for (number, line) in self.lines.iter().enumerate().rev() {
            text(out, "", (right, y), "end", &line.name);
            right -= line.name.chars().count() as f64 * LEGEND_CHARACTER + 12.0;
            // Writing to a text cannot fail, here and below.
            let _ = writeln!(
                out,
                "<circle cx=\"{right:.1}\" cy=\"{:.1}\" r=\"4.5\" style=\"fill:var(--c{})\"/>",
                y - 4.0,
                number % COLOURS
            );
            right -= 18.0;
        }
    }
}

impl Line {
    fn draw(&self, out: &mut String, colour: usize, place: impl Fn((f64, f64)) -> (f64, f64)) {
        let known = self
            .points
            .iter()
            .filter(|(x, y)| x.is_finite() && y.is_finite());
        let points: Vec<(f64, f64)> = known.map(|point| place(*point)).collect();
        let _ = write!(
            out,
            "<polyline class=\"line\" style=\"stroke:var(--c{colour})\" points=\""
        );
        for (x, y) in &points {
            let _ = write!(out, "{x:.1},{y:.1} ");
        }
        *out += "\"/>\n";
        // Dots only where they do not become a line of their own.
        for (x, y) in points.iter().filter(|_| points.len() <= 40) {
            let _ = writeln!(
                out,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" style=\"fill:var(--c{colour})\"/>"
            );
        }
    }
}

impl Mark {
    fn draw(&self, out: &mut String, (x, y): (f64, f64)) {
        let _ = writeln!(
            out,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" style=\"fill:var(--paper);stroke:var(--ink);stroke-width:2\"/>"
        );
        // Away from a curve that rises.
        let (anchor, place) = if x > (LEFT + RIGHT) / 2.0 {
            ("end", (x - 10.0, y - 9.0))
        } else {
            ("start", (x + 10.0, y + 17.0))
        };
        text(out, "mark", place, anchor, &self.text);
    }
}

fn rule(out: &mut String, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    let _ = writeln!(
        out,
        "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
    );
}

fn text(out: &mut String, class: &str, (x, y): (f64, f64), anchor: &str, text: &str) {
    let _ = writeln!(
        out,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
        escaped(text)
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests;
