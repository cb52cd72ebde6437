//! Who may ask the search from a browser.

use std::net::SocketAddr;
use std::num::NonZero;
use std::thread::available_parallelism;

use canter_api::{Access, Hosts, Origin, Origins};
use clap::Args;

/// Who may ask a service from a browser.
#[derive(Debug, Clone, Args)]
pub struct Visitors {
    /// A site whose pages may ask the API, as https://docs.example.org, and a name for this machine;
    /// repeatable [default: none on a loopback address, else all]
    #[arg(long = "origin", value_name = "ORIGIN")]
    pub origins: Vec<Origin>,
}

impl Visitors {
    /// Returns who may use the API at an address, whose index is this machine's own or a server's.
    pub fn access(&self, address: SocketAddr, is_own_index: bool) -> Access {
        let cores = available_parallelism().map_or(1, NonZero::get);
        let everybody = Access::default();
        let named = || Origins::Named(self.origins.clone());
        let is_local = address.ip().to_canonical().is_loopback();
        Access {
            origins: match is_local || !self.origins.is_empty() {
                true => named(),
                false => Origins::All,
            },
            hosts: match is_local {
                true => Hosts::ThisMachine(self.origins.iter().filter_map(Origin::host).collect()),
                false => Hosts::Any,
            },
            searches: match is_own_index {
                true => cores,
                false => everybody.searches,
            },
        }
    }
}
