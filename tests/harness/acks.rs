//! Waits for ACKs of the Feishu platform.

use longwire_sim::{Control, PushId, PushRecord, RecordState};

use crate::wait::wait_until;

/// Waits until the event of this push is ACKed, and returns its record.
#[track_caller]
pub fn wait_acked(control: &Control, push: PushId) -> PushRecord {
    wait_until("the event is acknowledged", || {
        let record = control
            .record(push)
            .expect("the simulator keeps its records");
        if record.state == RecordState::Acked {
            Ok(record)
        } else {
            Err(format!("{record:?}"))
        }
    })
}

/// Waits until this many events more are ACKed than now.
#[track_caller]
pub fn wait_more_acked(control: &Control, more: u64) {
    let wanted = control.ledger().acked + more;
    wait_until(&format!("{more} more events are acknowledged"), || {
        let ledger = control.ledger();
        if ledger.acked >= wanted {
            Ok(())
        } else {
            Err(format!("{ledger:?}"))
        }
    });
}
