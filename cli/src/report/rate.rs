//! The rate over time, compared with its limit.

use canter_http::Starts;
use maud::{Markup, html};

use super::crawled::Run;
use super::plot::Plot;
use super::words::span;

pub(super) fn section(run: &Run) -> Markup {
    html! {
        p.proof { (proof(run)) }
        @if !run.delay.is_zero() {
            p {
                "The site asks for " (run.delay.as_secs_f64())
                " s between requests (" code { "Crawl-delay" } " in its robots.txt)."
            }
        }
        @for (domain, starts) in &run.starts {
            (figure(domain, starts, run.limit))
        }
    }
}

/// The limit and the maximum that was measured.
fn proof(run: &Run) -> Markup {
    let most = html! { "At most " strong { (run.peak) } " requests started in any second" };
    match run.limit {
        None => html! { (most) "; there was no limit." },
        // Fractions of the limit are rounded up for a whole second.
        Some(limit) if f64::from(run.peak) <= limit.ceil() => {
            html! { span.good aria-hidden="true" { "✓ " } (most) "; the limit is " (limit) "." }
        }
        Some(limit) => html! { (most) ", which is more than the limit of " (limit) "." },
    }
}

fn figure(domain: &str, starts: &Starts, limit: Option<f64>) -> Markup {
    let Some(plot) = Plot::of(starts, limit) else {
        return html! { p.quiet { "No request went to " bdi { (domain) } "." } };
    };
    html! {
        figure.plot {
            figcaption {
                "Requests to " bdi { (domain) } " started per second, with all that this command \
                 sent there: pages, redirects, retries, robots.txt. "
                span.key.most { "most in any second" } " "
                span.key.mean { "mean of " (span(plot.step)) } " "
                @if limit.is_some() { span.key.limit { "limit" } }
            }
            (plot.drawing())
        }
    }
}
