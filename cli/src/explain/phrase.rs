//! One sentence about a URL in a site: what happened to it, or what would happen.

use canter_core::prospect::Refusal;
use canter_core::task::{Outcome, Skip};
use canter_embedded::store::Account;

use super::advice::Case;

/// The name of the reason why a URL is not, or was not, fetched.
pub fn reason(refusal: Option<&Refusal<'_>>, account: Option<&Account>) -> Option<&'static str> {
    match account.and_then(|account| account.outcome.as_ref()) {
        Some(Outcome::Skipped { reason, .. }) => Some(reason.name()),
        Some(_) => None,
        None => refusal.and_then(|refusal| match refusal {
            Refusal::Outside(outside) => Some(outside.name()),
            refusal => refusal.skip().map(Skip::name),
        }),
    }
}

pub fn why(case: &Case<'_>) -> String {
    let Some(account) = case.account else {
        return match case.refusal {
            None => "not met yet; met, it would be fetched".to_owned(),
            Some(refusal) => format!("would not be fetched: {}", against(refusal)),
        };
    };
    let what = match &account.outcome {
        None => waits(account.attempts),
        Some(Outcome::Indexed | Outcome::Unchanged) if !account.indexed => {
            "read, and not published yet".to_owned()
        }
        Some(outcome) => ended(outcome, account.status),
    };
    match (account.met, case.refusal) {
        (true, _) => what,
        (false, Some(refusal @ Refusal::Outside(_))) => format!(
            "known from an earlier crawl ({what}); now {}",
            against(refusal)
        ),
        (false, _) => {
            format!("known from an earlier crawl ({what}); the newest one has not met it")
        }
    }
}

fn waits(attempts: u32) -> String {
    match attempts {
        0 => "waits to be fetched".to_owned(),
        1 => "waits to be tried again: one attempt failed".to_owned(),
        more => format!("waits to be tried again: {more} attempts failed"),
    }
}

fn ended(outcome: &Outcome, status: Option<u16>) -> String {
    match outcome {
        Outcome::Indexed => "in the index".to_owned(),
        Outcome::Unchanged => "in the index, unchanged since the crawl before".to_owned(),
        Outcome::Duplicate { of } => format!("not in the index: its content is that of {of}"),
        Outcome::Redirected { to } => format!("not in the index: it redirects to {to}"),
        Outcome::Gone { status } => format!("a dead link: status {status}"),
        Outcome::Listed {
            urls,
            left_out,
            whole,
        } => {
            let cut = if *whole {
                ""
            } else {
                ", and not read to its end"
            };
            format!("a sitemap: {urls} URLs of the site, {left_out} left out{cut}")
        }
        Outcome::Skipped {
            reason: Skip::LeavesSite,
            to: Some(to),
        } => {
            format!("not in the index: it redirects out of the site, to {to}")
        }
        Outcome::Skipped { reason, .. } if status.is_some() => {
            format!("fetched, and not in the index: {}", reason.phrase())
        }
        Outcome::Skipped { reason, .. } => format!("not fetched: {}", reason.phrase()),
        Outcome::Failed { why } => format!("failed: {why}"),
    }
}

fn against(refusal: &Refusal<'_>) -> String {
    match refusal {
        Refusal::Outside(outside) => outside.to_string(),
        Refusal::Trap(trap) => trap.to_string(),
        Refusal::Robots(rule) => format!("robots.txt forbids it by {rule:?}"),
        Refusal::PrivateAddress(address) => format!("{address} is a private address"),
    }
}
