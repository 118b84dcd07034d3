//! The journey of an event as lines of time and what happened.
//!
//! A webhook that is away is tried hundreds of times. Attempts of one consumer that came to the same are one line, with their
//! number and the time of the last.

use std::io::{self, Write};

use longwire_language::{said, word};
use longwire_terminal::escaped;
use serde_json::Value;

/// Members of a step by which two attempts are the same.
const SAME: [&str; 6] = ["what", "consumer", "outcome", "status", "reader", "detail"];

/// A step, and those that came to the same.
struct Line<'a> {
    first: &'a Value,
    last: &'a Value,
    count: usize,
}

/// Writes the journey as `/v1/events/{event}/journey` answers it.
pub(super) fn write(out: &mut impl Write, journey: &Value) -> io::Result<()> {
    writeln!(out, "{}  {}", text(&journey["id"]), text(&journey["type"]))?;
    if let Some(created) = journey["created"].as_str() {
        let line = format!("{}  happened, says the platform", escaped(created));
        writeln!(out, "{}", said(&line))?;
    }
    writeln!(out, "{}  {}", text(&journey["received"]), word("received"))?;
    if journey["repeats"]
        .as_u64()
        .is_some_and(|repeats| repeats > 0)
    {
        let line = format!(
            "{}  pushed again by the platform, {} times in all",
            text(&journey["last_repeat"]),
            journey["repeats"]
        );
        writeln!(out, "{}", said(&line))?;
    }
    let steps = journey["steps"].as_array().map_or(&[][..], Vec::as_slice);
    folded(steps)
        .iter()
        .try_for_each(|line| write_line(out, line))
}

/// The lines in the order of their first steps. A step of a consumer that came to the same as the one before it of this
/// consumer has no line of its own, whatever happened to others in between.
fn folded(steps: &[Value]) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for step in steps {
        let of_consumer = lines
            .iter_mut()
            .rfind(|line| line.first["consumer"] == step["consumer"]);
        match of_consumer {
            Some(line) if is_repeated(line.first, step) => {
                line.last = step;
                line.count += 1;
            }
            _ => lines.push(Line {
                first: step,
                last: step,
                count: 1,
            }),
        }
    }
    lines
}

fn is_repeated(former: &Value, step: &Value) -> bool {
    step["what"] == "attempt" && SAME.iter().all(|member| former[member] == step[member])
}

fn write_line(out: &mut impl Write, line: &Line<'_>) -> io::Result<()> {
    let Line { first, last, count } = *line;
    write!(out, "{}  {}", text(&first["at"]), text(&first["what"]))?;
    for (word, member) in [
        ("to", "consumer"),
        ("number", "attempt"),
        ("", "outcome"),
        ("", "status"),
        ("by", "reader"),
        ("because", "detail"),
    ] {
        let value = text(&first[member]);
        match (word, value.is_empty()) {
            (_, true) => {}
            ("", false) => write!(out, " {value}")?,
            (word, false) => write!(out, " {word} {value}")?,
        }
    }
    if count > 1 {
        let (at, number) = (text(&last["at"]), text(&last["attempt"]));
        return writeln!(out, ", {count} times, last at {at} as number {number}");
    }
    match first["duration_ms"].as_f64() {
        Some(ms) => writeln!(out, " ({ms:.1} ms)"),
        None => writeln!(out),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => escaped(text).to_string(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(steps: Value) -> String {
        let journey =
            json!({"id": "evt_1", "type": "t", "received": "00:00", "repeats": 0, "steps": steps});
        let mut out = Vec::new();
        write(&mut out, &journey).expect("memory takes everything");
        let text = String::from_utf8(out).expect("it is text");
        let (_, lines) = text.split_once("received\n").expect("it was received");
        lines.to_owned()
    }

    fn attempt(at: &str, consumer: &str, number: u32, outcome: &str) -> Value {
        json!({"at": at, "what": "attempt", "consumer": consumer, "attempt": number, "outcome": outcome,
               "duration_ms": 1.25})
    }

    #[test]
    fn attempts_that_came_to_the_same_are_one_line() {
        let dead = |number| attempt(&format!("00:0{number}"), "dead", number, "refused");
        let steps = json!([
            {"at": "00:00", "what": "acknowledged", "duration_ms": 3.0},
            dead(1),
            attempt("00:01", "other", 1, "acked"),
            dead(2),
            dead(3),
            attempt("00:09", "dead", 4, "timed_out"),
            attempt("00:10", "dead", 5, "refused"),
        ]);
        assert_eq!(
            written(steps),
            "00:00  acknowledged (3.0 ms)\n\
             00:01  attempt to dead number 1 refused, 3 times, last at 00:03 as number 3\n\
             00:01  attempt to other number 1 acked (1.2 ms)\n\
             00:09  attempt to dead number 4 timed_out (1.2 ms)\n\
             00:10  attempt to dead number 5 refused (1.2 ms)\n"
        );
    }

    #[test]
    fn only_attempts_are_folded() {
        let reply =
            json!({"at": "00:01", "what": "reply_failed", "consumer": "a", "detail": "gone"});
        let written = written(json!([reply, reply]));
        assert_eq!(written.lines().count(), 2, "{written}");
    }
}
