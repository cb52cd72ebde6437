//! The file of a report: looked at before the crawl, put in its place when it is whole.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::{Builder, NamedTempFile};

/// Where a report is to be.
#[derive(Debug, Clone)]
pub struct ReportFile {
    path: PathBuf,
}

impl ReportFile {
    /// Makes sure, before there is anything to lose, that a file can be written there.
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
        // Gone again at once; a crawl takes hours, and may not end by itself.
        file.beside().with_context(cannot)?;
        Ok(file)
    }

    /// Writes the report: another process sees the old file or the whole new one.
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

    /// A file in the same folder, which a rename can put in the report's place.
    fn beside(&self) -> io::Result<NamedTempFile> {
        let folder = match self.path.parent() {
            Some(folder) if folder != OsStr::new("") => folder,
            _ => Path::new("."),
        };
        let mut builder = Builder::new();
        builder.prefix(".canter-report");
        // Others may read it as far as the user's mask permits, as any file that is written.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        builder.tempfile_in(folder)
    }
}
