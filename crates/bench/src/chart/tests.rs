use super::*;

fn panel(lines: Vec<Series>) -> Panel {
    Panel {
        title: "a & b <c>".to_owned(),
        x: Axis::linear("seconds", |value| format!("{value}")),
        y: Axis::logarithmic("\"ms\"", |value| format!("{value}")),
        lines,
        marks: vec![Mark {
            at: (5.0, 10.0),
            text: "p50".to_owned(),
        }],
    }
}

fn line(name: &str, points: &[(f64, f64)]) -> Series {
    Series {
        name: name.to_owned(),
        points: points.to_vec(),
    }
}

fn svg(panels: Vec<Panel>) -> String {
    let chart = Chart {
        title: "T".to_owned(),
        subtitle: "under <it>".to_owned(),
        panels,
    };
    chart.svg()
}

/// Elements closed in order, attributes quoted, nothing bare that has to be escaped.
fn check_well_formed(xml: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        let (text, tail) = rest.split_at(start);
        check_text(text);
        let end = tail.find('>').expect("every tag ends");
        let tag = &tail[1..end];
        rest = &tail[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed in order");
            continue;
        }
        let own = tag.strip_suffix('/');
        let body = own.unwrap_or(tag);
        let (name, attributes) = body.split_once(' ').unwrap_or((body, ""));
        assert_eq!(attributes.matches('"').count() % 2, 0, "{tag}");
        // Outside of quotes there are names and equals signs alone.
        for outside in attributes.split('"').step_by(2) {
            let name = outside.trim().trim_end_matches('=');
            assert!(
                name.chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-:".contains(c)),
                "{tag}"
            );
        }
        check_text(attributes);
        if own.is_none() {
            open.push(name);
        }
    }
    check_text(rest);
    assert!(open.is_empty(), "{open:?} are not closed");
}

fn check_text(text: &str) {
    for after in text.split('&').skip(1) {
        let entity = after.split(';').next().unwrap_or_default();
        assert!(["amp", "lt", "gt", "quot"].contains(&entity), "&{entity}");
    }
}

/// The points of every line.
fn drawn(svg: &str) -> Vec<Vec<(f64, f64)>> {
    svg.lines()
        .filter_map(|line| line.strip_prefix("<polyline"))
        .filter(|line| line.contains("stroke-width=\"2\""))
        .map(|line| {
            let points = line.split("points=\"").nth(1).expect("it has points");
            let points = points.split('"').next().expect("they end");
            let number = |text: &str| text.parse::<f64>().expect("a number");
            points
                .split_whitespace()
                .map(|point| {
                    let (x, y) = point.split_once(',').expect("two numbers");
                    (number(x), number(y))
                })
                .collect()
        })
        .collect()
}

#[test]
fn it_is_well_formed_and_escapes_words() {
    let text = svg(vec![
        panel(vec![line("one & two", &[(0.0, 1.0), (10.0, 100.0)])]),
        panel(Vec::new()),
    ]);
    check_well_formed(&text);
    assert!(text.contains("a &amp; b &lt;c&gt;") && text.contains("one &amp; two"));
    assert!(
        !text.contains("<script") && !text.contains("href"),
        "it needs nothing else"
    );
    assert!(text.contains("prefers-color-scheme:dark"));
}

#[test]
fn data_become_points() {
    let text = svg(vec![panel(vec![
        line("a", &[(0.0, 1.0), (5.0, 10.0), (10.0, 100.0)]),
        line("b", &[(0.0, 100.0)]),
    ])]);
    let lines = drawn(&text);
    let (left, right) = (f64::from(LEFT), f64::from(WIDTH - RIGHT));
    let top = f64::from(HEAD + PANEL_HEAD);
    let bottom = f64::from(HEAD + PANEL - PANEL_FOOT - PANEL_GAP);
    let middle = ((left + right) / 2.0, (bottom + top) / 2.0);
    let wanted = [
        vec![(left, bottom), middle, (right, top)],
        vec![(left, top)],
    ];
    assert_eq!(lines.len(), wanted.len());
    for (points, wanted) in lines.iter().flatten().zip(wanted.iter().flatten()) {
        // Whole pixels, the last of which is within the area.
        let (x, y) = (points.0 - wanted.0, points.1 - wanted.1);
        assert!(
            x.abs() <= 1.0 && y.abs() <= 1.0,
            "{points:?} is not {wanted:?}"
        );
    }
    assert_eq!(lines.concat().len(), wanted.concat().len());
}

#[test]
fn figures_that_are_none_stay_within_the_panel() {
    let text = svg(vec![panel(vec![line(
        "a",
        &[(f64::NAN, 1.0), (1.0, 0.0), (2.0, 3.0)],
    )])]);
    check_well_formed(&text);
    assert!(!text.contains("inf"), "{text}");
}
