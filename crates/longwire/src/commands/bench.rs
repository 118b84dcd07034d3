//! `longwire bench` and `longwire torture`: this binary, measured and killed by the crate `bench`.

use longwire_bench::cli::{Bench, Torture};
use longwire_bench::{
    BenchError, Program, RunOutcome, run_application, run_floor, run_post_floor, run_receiver,
};

use crate::config::RelaySection;
use crate::exit::{Exit, Failure};
use crate::files::{self, OpenFiles};
use crate::logs;
use crate::signals::{Signals, end_with_parent};

pub(crate) fn run(command: &Bench) -> Result<Exit, Failure> {
    logs::start_for_command();
    match command {
        Bench::Measure(command) => carry_out(longwire_bench::run(command, &program()?)),
        Bench::Floor(command) => {
            end_with_parent();
            files::raise();
            run_floor(command)?;
            Ok(Exit::Done)
        }
        Bench::PostFloor(command) => {
            end_with_parent();
            files::raise();
            run_post_floor(command)?;
            Ok(Exit::Done)
        }
        Bench::Application(command) => {
            end_with_parent();
            files::raise();
            run_application(command)?;
            Ok(Exit::Done)
        }
        Bench::Receiver => {
            end_with_parent();
            files::raise();
            run_receiver()?;
            Ok(Exit::Done)
        }
    }
}

pub(crate) fn torture(command: &Torture) -> Result<Exit, Failure> {
    logs::start_for_command();
    carry_out(longwire_bench::torture(command, &program()?))
}

/// This binary. The processes of a run inherit the limit on open files, which is raised here.
pub(super) fn program() -> Result<Program, Failure> {
    Ok(Program {
        executable: std::env::current_exe().map_err(Failure::io("find this program"))?,
        version: env!("CARGO_PKG_VERSION"),
        open_files: files::raise().soft,
        open_files_needed: |connections| {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            OpenFiles::new(None, cores, &RelaySection::default()).needed(connections)
        },
    })
}

/// Carries out a run, which a signal cuts short: what it started ends with it.
fn carry_out(run: impl Future<Output = Result<RunOutcome, BenchError>>) -> Result<Exit, Failure> {
    actix_rt::System::new().block_on(async {
        let mut signals = Signals::take().map_err(Failure::io("take over signals"))?;
        tokio::select! {
            biased;
            _ = signals.next() => Ok(Exit::Interrupted),
            outcome = run => Ok(outcome?.into()),
        }
    })
}

impl Exit {
    /// Of a run that came to nothing.
    pub(crate) fn of_run(error: &BenchError) -> Self {
        match error {
            BenchError::Usage(_) => Self::Usage,
            BenchError::Stand(_)
            | BenchError::Sim(_)
            | BenchError::Open(_)
            | BenchError::Read(_)
            | BenchError::Write(_)
            | BenchError::Floor(_)
            | BenchError::PostFloor(_)
            | BenchError::FloorLog(_)
            | BenchError::Lock(_)
            | BenchError::Io { .. } => Self::Failed,
        }
    }
}

impl From<RunOutcome> for Exit {
    fn from(outcome: RunOutcome) -> Self {
        match outcome {
            RunOutcome::Passed => Self::Done,
            RunOutcome::Failed => Self::Failed,
        }
    }
}
