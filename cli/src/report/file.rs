//! The file of a report: checked before the crawl, and replaced as a whole after it.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::{Builder, NamedTempFile};

/// Where a report is written.
#[derive(Debug, Clone)]
pub struct ReportFile {
    path: PathBuf,
}

impl ReportFile {
    /// Checks before the crawl that a file can be written there.
    pub fn check(path: &Path) -> Result<Self> {
        let cannot = || format!("the report {} cannot be written", path.display());
        if path.file_name().is_none() || path == OsStr::new("-") {
            bail!("{}: name a file, for example report.html", cannot());
        }
        if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
            bail!("{}: something else is there", cannot());
        }
        let file = ReportFile {
            path: path.to_owned(),
        };
        // Dropped at once: a crawl takes hours and may be killed.
        file.beside().with_context(cannot)?;
        Ok(file)
    }

    /// Replaces the report. Other processes see either the old file or the whole new one.
    pub fn write(&self, page: &str) -> Result<()> {
        let write = || -> io::Result<()> {
            let mut file = self.beside()?;
            file.write_all(page.as_bytes())?;
            file.persist(&self.path)?;
            Ok(())
        };
        write().with_context(|| format!("the report {} cannot be written", self.path.display()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A temporary file in the same folder, so that a rename can replace the report.
    fn beside(&self) -> io::Result<NamedTempFile> {
        let folder = match self.path.parent() {
            Some(folder) if folder != OsStr::new("") => folder,
            _ => Path::new("."),
        };
        let mut builder = Builder::new();
        builder.prefix(".canter-report");
        // Readable for others as far as the umask permits, like any other file.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        builder.tempfile_in(folder)
    }
}
