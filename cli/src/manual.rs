//! `canter man` and `canter completions`: what the command line tells of itself. Both come out of
//! the definition in [`crate::args`], so that they cannot fall behind it.

use std::fs;
use std::io::{self, Write, stdout};
use std::path::Path;

use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use clap_mangen::Man as Page;

use crate::args::{Cli, Completions, Man};
use crate::usage::UsageError;

/// Prints the completions of a shell.
pub fn completions(args: &Completions) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "canter", &mut script);
    // The library would panic when nobody reads to the end.
    stdout().write_all(&script)?;
    Ok(())
}

/// Prints one man page, or writes all of them.
pub fn man(args: &Man) -> Result<()> {
    if let Some(dir) = &args.dir {
        return write_all(dir);
    }
    let mut cli = definition();
    if let Some(name) = &args.command {
        let command = cli.find_subcommand(name).cloned();
        cli = command.ok_or_else(|| {
            let known: Vec<&str> = cli.get_subcommands().map(Command::get_name).collect();
            UsageError::new(format!(
                "there is no command {name:?}; there are {}",
                known.join(", ")
            ))
        })?;
    }
    let mut page = Vec::new();
    page_of(cli).render(&mut page)?;
    stdout().write_all(&page)?;
    Ok(())
}

fn write_all(dir: &Path) -> Result<()> {
    let write = || {
        fs::create_dir_all(dir)?;
        let cli = definition();
        for command in cli.get_subcommands().chain([&cli]) {
            page_of(command.clone()).generate_to(dir)?;
        }
        Ok(())
    };
    let written: io::Result<()> = write();
    written.with_context(|| format!("the man pages cannot be written to {}", dir.display()))
}

/// The command line with its commands' full names: `canter-crawl` is a page of its own.
fn definition() -> Command {
    let mut cli = Cli::command().disable_help_subcommand(true);
    cli.build();
    cli
}

fn page_of(command: Command) -> Page {
    // Without a date, so that a page changes with its command alone; a space keeps its place.
    Page::new(command)
        .date(" ")
        .source(concat!("canter ", env!("CARGO_PKG_VERSION")))
        .manual("canter")
}
