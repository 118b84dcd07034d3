//! Where a consumer begins.

use longwire_wire::event::Seq;

use super::fault::{DefinitionFault, FaultCode};
use super::members::Member;
use crate::position::PLACES;
use crate::timestamp;

/// Where a consumer begins, when it is made.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum StartFrom {
    /// Behind the newest event.
    #[default]
    Now,
    /// At the oldest event of the log.
    Beginning,
    /// At this event.
    Seq(Seq),
    /// At the first event that was recorded then or later, in milliseconds since 1970.
    TimeMs(i64),
}

impl StartFrom {
    /// Reads where a consumer begins, or goes on.
    pub fn read(value: Member<'_>, faults: &mut Vec<DefinitionFault>) -> Option<Self> {
        read(value, faults)
    }
}

pub(super) fn read(value: Member<'_>, faults: &mut Vec<DefinitionFault>) -> Option<StartFrom> {
    const WORDS: [(&str, StartFrom); 2] =
        [("now", StartFrom::Now), ("beginning", StartFrom::Beginning)];
    if !value.value.is_object() {
        if value.value.is_string() {
            return value.word(&WORDS, faults);
        }
        let detail = "`\"now\"`, `\"beginning\"`, `{\"seq\": 1}` or `{\"time\": \"2026-01-31T12:00:00Z\"}` belongs here";
        return value.fault(FaultCode::WrongType, detail, faults);
    }
    let mut members = value.members(faults)?;
    let seq = members.optional("seq", |value, faults| value.number(PLACES, faults));
    let time = members.optional("time", |value, faults| {
        let time = timestamp::read(value.text(faults)?);
        let detail = "a time with its zone belongs here, such as `2026-01-31T12:00:00Z`";
        time.or_else(|| value.fault(FaultCode::InvalidValue, detail, faults))
    });
    if seq.is_some() && time.is_some() {
        members.fault(
            "time",
            FaultCode::Conflict,
            "either `seq` or `time` belongs here",
        );
    }
    if members.has_none() {
        members.fault(
            "seq",
            FaultCode::Missing,
            "either `seq` or `time` has to be there",
        );
    }
    members.refuse_others();
    let seq = seq.map(|seq| StartFrom::Seq(Seq(seq)));
    seq.or(time.map(StartFrom::TimeMs))
}
