//! Resources that one run of a program used.
//!
//! The program is started by a small process, `canter-bench measure`: until it calls exec, the
//! kernel counts its parent's memory as its own, and the benchmark holds a whole site.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use wait4::Wait4;

/// Measurements of a program and of the children that it waited for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Usage {
    /// Wall-clock time.
    pub wall_s: f64,
    /// User and system time.
    pub cpu_s: f64,
    /// Maximum resident set size.
    pub peak_bytes: u64,
    /// Exit status; none when a signal ended it.
    pub exit: Option<i32>,
    /// Whether it was killed at the limit.
    pub cut: bool,
}

/// Time between two looks at a run, which is the precision of its wall-clock time.
const LOOK: Duration = Duration::from_millis(1);

/// Runs a program in a folder, and writes its outputs there as `stdout` and `stderr`.
pub fn of(argv: &[OsString], within: &Path, limit: Duration) -> Result<Usage> {
    let myself = env::current_exe().context("the benchmark does not find itself")?;
    let output = Command::new(myself)
        .arg("measure")
        .arg(limit.as_millis().to_string())
        .args(argv)
        .current_dir(within)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("the benchmark cannot start itself")?;
    if !output.status.success() {
        bail!("{} could not be run", argv[0].to_string_lossy());
    }
    serde_json::from_slice(&output.stdout).context("a measurement is broken")
}

/// Runs a program in this small process, and kills it at the limit.
pub fn measure(argv: &[OsString], limit: Duration) -> Result<Usage> {
    let [program, args @ ..] = argv else {
        bail!("there is nothing to run");
    };
    let began = Instant::now();
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(File::create("stdout")?)
        .stderr(File::create("stderr")?)
        .spawn()
        .with_context(|| format!("{} cannot be started", program.to_string_lossy()))?;
    let mut cut = false;
    let used = loop {
        if let Some(used) = child.try_wait4()? {
            break used;
        }
        if !cut && began.elapsed() >= limit {
            child.kill()?;
            cut = true;
        }
        sleep(LOOK);
    };
    Ok(Usage {
        wall_s: began.elapsed().as_secs_f64(),
        cpu_s: (used.rusage.utime + used.rusage.stime).as_secs_f64(),
        peak_bytes: used.rusage.maxrss,
        exit: used
            .status
            .code()
            .filter(|_| used.status.signal().is_none()),
        cut,
    })
}
