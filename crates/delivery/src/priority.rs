//! The priority of the thread of delivery: recording goes first.

/// How much nicer delivery is than recording. Of a core that both want, the scheduler gives it a tenth of what a thread that
/// records gets; alone it has a whole core.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Lowers the priority of the current thread, which Linux keeps for each thread. What it starts inherits it. Where the system does
/// not take it, the thread runs as any other.
#[cfg(target_os = "linux")]
pub(crate) fn lower() {
    let lowered = rustix::process::getpriority_process(None)
        .and_then(|now| rustix::process::setpriority_process(None, (now + NICE).min(19)));
    if let Err(error) = lowered {
        tracing::debug!(error = %error, "the priority of delivery was not lowered");
    }
}

/// Elsewhere a priority is that of the whole process.
#[cfg(not(target_os = "linux"))]
pub(crate) fn lower() {}
