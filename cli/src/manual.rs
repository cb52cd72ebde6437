//! `canter man` and `canter completions`, both generated from the definition of the command line.

use std::fs;
use std::io::{self, Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man as Page;

use crate::usage::UsageError;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    canter completions bash > ~/.local/share/bash-completion/completions/canter\n  \
    canter completions zsh > ~/.zfunc/_canter         with ~/.zfunc in fpath before compinit\n  \
    canter completions fish > ~/.config/fish/completions/canter.fish")]
pub struct Completions {
    /// The shell
    pub shell: Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    canter man crawl | man -l -                        read a page\n  \
    canter man --dir ~/.cargo/share/man/man1           then: man canter, man canter-crawl")]
pub struct Man {
    /// The command whose page it is [default: canter itself]
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,

    /// Write the pages of canter and all its commands into this folder instead
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub dir: Option<PathBuf>,
}

/// Prints the completions of a shell for a command line.
pub fn completions(args: &Completions, mut cli: Command) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli, "canter", &mut script);
    // The library panics if the reader closes the pipe early.
    stdout().write_all(&script)?;
    Ok(())
}

/// Prints one man page of a command line, or writes all of them.
pub fn man(args: &Man, cli: Command) -> Result<()> {
    let mut cli = with_full_names(cli);
    if let Some(dir) = &args.dir {
        return write_all(dir, &cli);
    }
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

fn write_all(dir: &Path, cli: &Command) -> Result<()> {
    let write = || {
        fs::create_dir_all(dir)?;
        for command in cli.get_subcommands().chain([cli]) {
            page_of(command.clone()).generate_to(dir)?;
        }
        Ok(())
    };
    let written: io::Result<()> = write();
    written.with_context(|| format!("the man pages cannot be written to {}", dir.display()))
}

/// Gives the commands their full names, because `canter-crawl` is a page of its own.
fn with_full_names(cli: Command) -> Command {
    let mut cli = cli.disable_help_subcommand(true);
    cli.build();
    cli
}

fn page_of(command: Command) -> Page {
    // Without a date, pages change only when their command does. A space keeps its place.
    Page::new(command)
        .date(" ")
        .source(concat!("canter ", env!("CARGO_PKG_VERSION")))
        .manual("canter")
}
