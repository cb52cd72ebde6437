//! `canter rollback`: the index of a site as it was before the last publishing.

use clap::Args;

use crate::args::stack;

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  canter rollback docs.example.org/3 --aws canter\n\n\
    For a stack that keeps its index in its own bucket, which has the last index beside the current\n\
    one. On one machine, `canter reindex` makes an index anew from the archive."
)]
pub struct Rollback {
    /// Name of the site, as `canter status --aws` gives it
    pub site: String,

    /// The deployed stack
    #[arg(long, value_name = "STACK", value_parser = stack)]
    pub aws: String,
}
