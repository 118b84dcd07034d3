//! Draws a run as one SVG file that needs nothing else: no script, no font, no style sheet from elsewhere. It follows
//! the reader's choice of light or dark.
//!
//! A chart is a column of panels; a panel has two axes, lines of points, and marks beside points worth a word. What
//! is drawn is decided by the commands; `plotters` draws it.

mod axis;
mod file;
mod latency;
mod theme;

use std::io;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

pub(super) use axis::Axis;
use axis::Fitted;
pub(super) use file::SvgFile;
pub(super) use latency::latency_panel;

use theme::{INK, LINES, PAPER, RULE, SOFT, font, themed};

const WIDTH: u32 = 880;
/// Title and subtitle.
const HEAD: u32 = 72;
/// A panel, and in it the space of its title and legend.
const PANEL: u32 = 366;
const PANEL_HEAD: u32 = 54;
/// The numbers of the axis and its words, and what is below them.
const PANEL_FOOT: u32 = 42;
const PANEL_GAP: u32 = 20;
const LEFT: u32 = 84;
const RIGHT: u32 = 28;
const MIDDLE: i32 = (WIDTH + LEFT - RIGHT) as i32 / 2;
/// Width of a character of the legend, near enough to place the next entry.
const LEGEND_CHARACTER: f64 = 7.2;
/// More points than this have no dots: those would become a line of their own.
const DOTTED: usize = 40;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Plot<'a> = DrawingArea<SVGBackend<'a>, Cartesian2d<Fitted, Fitted>>;
type Drawn = Result<(), DrawingAreaErrorKind<io::Error>>;

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
    pub(super) lines: Vec<Series>,
    pub(super) marks: Vec<Mark>,
}

/// Points in the order in which they are joined.
#[derive(Debug, Clone)]
pub(super) struct Series {
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
        let height = HEAD + PANEL * self.panels.len() as u32;
        let mut text = String::new();
        self.draw(&SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area())
            .expect("a text takes every write, and no panel is smaller than its margins");
        themed(&text, &self.title)
    }

    fn draw(&self, area: &Area) -> Drawn {
        area.fill(&PAPER)?;
        let title = font(19.0).style(FontStyle::Bold).color(&INK);
        area.draw_text(&self.title, &title, (28, 20))?;
        area.draw_text(&self.subtitle, &font(12.0).color(&SOFT), (28, 46))?;
        let (_, panels) = area.split_vertically(HEAD);
        for (panel, area) in (self.panels.iter()).zip(panels.split_evenly((self.panels.len(), 1))) {
            panel.draw(&area)?;
        }
        area.present()
    }
}

impl Panel {
    fn draw(&self, area: &Area) -> Drawn {
        self.head(area)?;
        let all = || self.lines.iter().flat_map(|line| &line.points);
        let x = self.x.fit(all().map(|point| point.0));
        let y = self.y.fit(all().map(|point| point.1));
        let mut chart = ChartBuilder::on(area)
            .margin_top(PANEL_HEAD)
            .margin_right(RIGHT)
            .margin_bottom(PANEL_GAP)
            .x_label_area_size(PANEL_FOOT)
            .y_label_area_size(LEFT)
            .build_cartesian_2d(x, y)?;
        let small = font(12.0).color(&SOFT);
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(RULE)
            .axis_style(SOFT)
            .label_style(small.clone())
            .axis_desc_style(small)
            .x_desc(&self.x.label)
            .draw()?;
        for (line, colour) in self.lines.iter().zip(LINES.iter().cycle()) {
            let points: Vec<(f64, f64)> = line.known().collect();
            let size = if points.len() <= DOTTED { 3 } else { 0 };
            let series = LineSeries::new(points, colour.filled().stroke_width(2)).point_size(size);
            chart.draw_series(series)?;
        }
        for mark in &self.marks {
            mark.draw(chart.plotting_area())?;
        }
        Ok(())
    }

    /// The title, the unit of the values, and the legend from the right.
    fn head(&self, area: &Area) -> Drawn {
        let title = font(14.0).style(FontStyle::Bold).color(&INK);
        area.draw_text(&self.title, &title, (LEFT as i32, 8))?;
        let small = font(12.0).color(&SOFT);
        let ends_here = small.pos(Pos::new(HPos::Right, VPos::Top));
        area.draw_text(&self.y.label, &ends_here, (LEFT as i32 - 9, 32))?;
        let mut right = (WIDTH - RIGHT) as i32;
        let entries: Vec<_> = (self.lines.iter()).zip(LINES.iter().cycle()).collect();
        for (line, colour) in entries.into_iter().rev() {
            area.draw_text(&line.name, &ends_here, (right, 10))?;
            right -= (line.name.chars().count() as f64 * LEGEND_CHARACTER) as i32 + 12;
            area.draw(&Circle::new((right, 16), 4, colour.filled()))?;
            right -= 18;
        }
        Ok(())
    }
}

impl Series {
    /// The points that are numbers.
    fn known(&self) -> impl Iterator<Item = (f64, f64)> {
        let points = self.points.iter().copied();
        points.filter(|(x, y)| x.is_finite() && y.is_finite())
    }
}

impl Mark {
    /// Its text goes away from a curve that rises.
    fn draw(&self, plot: &Plot) -> Drawn {
        let to_the_left = plot.map_coordinate(&self.at).0 > MIDDLE;
        let (side, place) = if to_the_left {
            (HPos::Right, (-10, -20))
        } else {
            (HPos::Left, (10, 7))
        };
        let style = font(12.0).style(FontStyle::Bold).color(&INK);
        let style = style.pos(Pos::new(side, VPos::Top));
        let mark = EmptyElement::at(self.at)
            + Circle::new((0, 0), 5, PAPER.filled())
            + Circle::new((0, 0), 5, INK.stroke_width(2))
            + Text::new(self.text.clone(), place, style);
        plot.draw(&mark)
    }
}

#[cfg(test)]
mod tests;
