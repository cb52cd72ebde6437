//! `canter-bench`: measures canter on a folder of documentation, next to the crawlers that are
//! installed.
//!
//! What makes it fair: every run has a fresh server, and the crawlers take turns. Pages and times
//! come from the server's log, never from a crawler. A crawler that fetched fewer pages than
//! another is marked. Each peer does as much of canter's work as it can by its own means. Ratios
//! compare runs of one benchmark only.

mod args;
mod folder;
mod machine;
mod pace;
mod run;
mod summary;
mod table;
mod tool;
mod usage;

use std::env;
use std::io::{Write, stdout};
use std::path::{self, Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;
use console::style;
use serde_json::json;

use args::{Args, Internal, What};
use folder::Folder;
use run::{Run, Task};
use tool::Tool;

fn main() -> ExitCode {
    match bench(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{} {error:#}", style("error:").red().bold());
            ExitCode::FAILURE
        }
    }
}

fn bench(args: Args) -> Result<()> {
    if let Some(Internal::Measure { limit_ms, argv }) = &args.internal {
        let usage = usage::measure(argv, Duration::from_millis(*limit_ms))?;
        serde_json::to_writer(stdout(), &usage)?;
        return Ok(());
    }
    let root = args.folder.as_deref().context("name a folder of pages")?;
    let folder = Folder::read(root)?;
    if folder.page(&args.start).is_none() {
        bail!(
            "{} has no page {}: name the one where crawlers begin by --start",
            root.display(),
            args.start
        );
    }
    let tools = tools(&args)?;
    let absent: Vec<String> = absent(&args, &tools);
    if !args.json {
        print!("{}", about(root, &folder, &args, &tools, &absent));
    }
    if !args.busy {
        machine::wait_for_quiet();
    }
    let task = Task {
        folder: &folder,
        start: &args.start,
        latency: Duration::from_millis(args.latency),
        rate: None,
        limit: args.patience,
    };
    let mut runs = Vec::new();
    let mut speeds = Vec::new();
    let mut kept = Vec::new();
    if args.only != Some(What::Pace) {
        let mine = in_turn(&tools, args.repeats, task)?;
        speeds = summary::speeds(&mine);
        if !args.json {
            print!("\nAs fast as it goes:\n{}", table::speeds(&speeds));
        }
        runs.extend(mine);
    }
    if args.only != Some(What::Speed) {
        for rate in &args.pace {
            let task = Task {
                rate: Some(*rate),
                limit: args.seconds,
                ..task
            };
            let mine = in_turn(&tools, args.repeats, task)?;
            kept.extend(summary::kept(&mine, *rate));
            runs.extend(mine);
        }
        if !args.json {
            print!(
                "\nAt a rate, of all requests at the server:\n{}",
                table::kept(&kept)
            );
        }
    }
    if args.json {
        let tools: Vec<_> = tools
            .iter()
            .map(|tool| json!({"name": tool.name, "version": tool.version, "does": tool.does}))
            .collect();
        let whole = json!({
            "folder": root,
            "start": args.start,
            "pages_in_folder": folder.pages(),
            "bytes_of_pages": folder.bytes(),
            "processors": machine::processors(),
            "latency_ms": args.latency,
            "tools": tools,
            "absent": absent,
            "speed": speeds,
            "pace": kept,
            "runs": runs,
        });
        writeln!(stdout(), "{whole}")?;
    }
    Ok(())
}

/// The builds of canter, then the installed peers.
fn tools(args: &Args) -> Result<Vec<Tool>> {
    let mut programs = args.canter.clone();
    if programs.is_empty() {
        let myself = env::current_exe().context("the benchmark does not find itself")?;
        programs.push(myself.with_file_name("canter"));
    }
    let alone = programs.len() == 1;
    let builds = programs.iter().map(|program| {
        let name = if alone {
            "canter".to_owned()
        } else {
            program.display().to_string()
        };
        // Runs have their own working folders, where a relative path would not resolve.
        let program: PathBuf = path::absolute(program).unwrap_or_else(|_| program.clone());
        Tool::canter(&program, name)
    });
    let mut tools: Vec<Tool> = builds.collect::<Result<_>>()?;
    tools.extend(args.peers.iter().flatten().copied().filter_map(Tool::peer));
    Ok(tools)
}

fn absent(args: &Args, tools: &[Tool]) -> Vec<String> {
    let names = args.peers.iter().flatten().map(|peer| peer.name());
    let missing = names.filter(|name| tools.iter().all(|tool| tool.name != *name));
    missing.map(str::to_owned).collect()
}

fn about(root: &Path, folder: &Folder, args: &Args, tools: &[Tool], absent: &[String]) -> String {
    let load = machine::load().map_or("unknown".to_owned(), |load| format!("{load:.2}"));
    let mut text = format!(
        "{}: {} pages, {:.1} MB, from memory over loopback, answers after {} ms\n\
         {} processors, load average {load}, median of {} runs in turn\n",
        root.display(),
        folder.pages(),
        folder.bytes() as f64 / 1e6,
        args.latency,
        machine::processors(),
        args.repeats,
    );
    for tool in tools {
        let name = style(&tool.name).bold();
        text += &format!("  {name}: {}\n      {}\n", tool.version, tool.does);
    }
    for name in absent {
        text += &format!("  {name}: not on the PATH\n");
    }
    text
}

/// Runs the crawlers in turn, so that other load on the machine affects all of them.
fn in_turn(tools: &[Tool], repeats: u16, task: Task<'_>) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    for repeat in 1..=repeats {
        for tool in tools {
            let rate = task
                .rate
                .map_or("unlimited".to_owned(), |rate| format!("{rate}/s"));
            eprint!("{} {rate}, run {repeat}: ", tool.name);
            let run = Run::of(tool, task)?;
            let load = run.load.map_or("?".to_owned(), |load| format!("{load:.2}"));
            eprintln!(
                "{} pages in {:.2} s, {:.2} s of CPU, load before {load}",
                run.pages, run.usage.wall_s, run.usage.cpu_s,
            );
            runs.push(run);
        }
    }
    Ok(runs)
}
