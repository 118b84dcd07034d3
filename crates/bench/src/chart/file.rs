//! The file a chart is written to, opened before the run: an hour's figures must not end at a path that cannot be
//! written.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use super::Chart;
use crate::cli::Plot;
use crate::error::BenchError;

/// A file that can be written, or none was asked for.
#[derive(Debug)]
pub(in super::super) struct SvgFile(Option<Reserved>);

#[derive(Debug)]
struct Reserved {
    path: PathBuf,
    file: File,
    /// Made by us and still empty: taken away again when the run comes to nothing.
    unused: bool,
}

impl SvgFile {
    /// Opens what was asked for, and leaves what is there alone.
    pub(in super::super) fn reserve(plot: &Plot) -> Result<Self, BenchError> {
        let Some(path) = plot.svg.clone() else {
            return Ok(Self(None));
        };
        let unused = !path.exists();
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(BenchError::io(format!("write {}", path.display())))?;
        Ok(Self(Some(Reserved { path, file, unused })))
    }

    /// Writes the chart, which is made only if a file was asked for.
    pub(in super::super) fn write(
        mut self,
        chart: impl FnOnce() -> Chart,
    ) -> Result<(), BenchError> {
        let Some(reserved) = &mut self.0 else {
            return Ok(());
        };
        let svg = chart().svg();
        reserved
            .file
            .set_len(0)
            .and_then(|()| reserved.file.write_all(svg.as_bytes()))
            .map_err(BenchError::io(format!("write {}", reserved.path.display())))?;
        reserved.unused = false;
        Ok(())
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if self.unused {
            // Nobody misses an empty file, and nothing can be done about one that stays.
            drop(std::fs::remove_file(&self.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(path: PathBuf) -> Plot {
        Plot { svg: Some(path) }
    }

    fn chart() -> Chart {
        Chart {
            title: "t".to_owned(),
            subtitle: String::new(),
            panels: Vec::new(),
        }
    }

    #[test]
    fn a_path_that_cannot_be_written_is_refused_at_once() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for path in [
            directory.path().join("no/such/a.svg"),
            directory.path().into(),
        ] {
            assert!(SvgFile::reserve(&plot(path)).is_err());
        }
    }

    #[test]
    fn a_run_that_came_to_nothing_changes_nothing() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (fresh, old) = (
            directory.path().join("fresh.svg"),
            directory.path().join("old.svg"),
        );
        std::fs::write(&old, "what was there, longer than any chart ".repeat(200))
            .expect("written");
        for path in [&fresh, &old] {
            drop(SvgFile::reserve(&plot(path.clone())).expect("it can be written"));
        }
        assert!(!fresh.exists());
        assert!(
            std::fs::read_to_string(&old)
                .expect("there")
                .starts_with("what was there")
        );
        let file = SvgFile::reserve(&plot(old.clone())).expect("it can be written");
        file.write(chart).expect("it is written");
        let text = std::fs::read_to_string(&old).expect("there");
        assert!(
            text.starts_with("<svg") && text.ends_with("</svg>\n"),
            "{text}"
        );
    }
}
