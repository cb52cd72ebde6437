//! `canter`: crawls a website at an exact pace and makes it searchable.

mod args;
mod aws;
mod cli;
mod count;
mod crawl;
mod demo;
mod demo_site;
mod explain;
mod export;
mod forget;
mod http_server;
mod import;
mod index;
mod manual;
mod printable;
mod publish;
mod refill;
mod report;
mod rollback;
mod search;
mod serve;
mod signal;
mod status;
mod stop;
mod usage;
mod visitors;
mod when;

use std::io;
use std::process::ExitCode;

use anyhow::{Context, Result};
use canter_core::failure::Failure;
use clap::{CommandFactory, Parser};
use console::style;
use tokio::runtime::Builder;

use cli::{Cli, Command};
use usage::UsageError;

fn main() -> ExitCode {
    canter_heap::give_back();
    let cli = Cli::parse();
    let runtime = match cli.command {
        // One search takes less time than starting threads.
        Command::Search(_) => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    }
    .worker_threads(2)
    .enable_all()
    .build();
    let result = runtime
        .context("the runtime cannot start")
        .and_then(|runtime| {
            let result = runtime.block_on(run(cli.command));
            // A page that is still being read must not delay the end.
            runtime.shutdown_background();
            result
        });
    match result {
        Ok(status) => status,
        // The reader of the output has closed it.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{} {}", style("error:").red().bold(), told(&error));
            ExitCode::from(if error.is::<UsageError>() { 2 } else { 1 })
        }
    }
}

/// What is told of an error, in one line.
fn told(error: &anyhow::Error) -> String {
    let causes: Vec<_> = causes(error).map(ToString::to_string).collect();
    causes.join(": ")
}

/// The causes of an error down to a failure, whose sentence says what its own source said.
fn causes(error: &anyhow::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    let mut ended = false;
    let mut causes = error.chain();
    std::iter::from_fn(move || {
        let cause = causes.next().filter(|_| !ended)?;
        ended = cause.is::<Failure>();
        Some(cause)
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    causes(error).any(|cause| {
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Crawl(args) => match &args.aws {
            Some(stack) => return aws::crawl(&args, stack).await,
            None => return crawl::crawl(*args).await,
        },
        Command::Search(args) => search::search(args).await,
        Command::Serve(args) => serve::serve(args).await,
        Command::Export(args) => export::export(args).await,
        Command::Publish(args) => match &args.aws {
            Some(stack) => aws::publish(&args.site, stack).await,
            None => publish::publish(args).await,
        },
        Command::Reindex(args) => match &args.aws {
            Some(stack) => aws::reindex(&args.site, stack).await,
            None => publish::reindex(args).await,
        },
        Command::Rollback(args) => aws::rollback(&args).await,
        Command::Import(args) => import::import(args).await,
        Command::Explain(args) => explain::explain(args).await,
        Command::Status(args) => match &args.aws {
            Some(stack) => aws::status(&args, stack).await,
            None => status::status(&args),
        },
        Command::Stop(args) => match &args.aws {
            Some(stack) => aws::stop(&args, stack).await,
            None => stop::stop(args).await,
        },
        Command::Forget(args) => forget::forget(args).await,
        Command::Report(args) => report::report(args).await,
        Command::Demo(args) => demo::demo(args).await,
        Command::Completions(args) => manual::completions(&args, Cli::command()),
        Command::Man(args) => manual::man(&args, Cli::command()),
    }?;
    Ok(ExitCode::SUCCESS)
}
