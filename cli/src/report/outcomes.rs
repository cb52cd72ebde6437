//! How the URLs of a crawl ended, and what the server answered.

use canter_core::task::Skip;
use canter_embedded::store::{Counts, Findings};
use maud::{Markup, html};

use super::words::{number, percent};

pub(super) fn section(findings: &Findings) -> Markup {
    let counts = &findings.counts;
    let ends = ends(counts);
    let whole: u64 = ends.iter().map(|(_, count, _)| count).sum();
    html! {
        div.stack aria-hidden="true" {
            @for (class, count, _) in &ends {
                @if *count > 0 { span class=(class) style={ "flex-grow:" (count) } {} }
            }
        }
        div.columns {
            table {
                caption { "URLs by their end" }
                tbody {
                    @for (class, count, name) in &ends {
                        @if *count > 0 {
                            (row(html! { span class={ "key " (class) } { (name) } }, *count, whole))
                            @if *class == "skipped" { (reasons(counts, whole)) }
                        }
                    }
                }
            }
            table {
                caption { "Last answers by their status" }
                tbody {
                    @let answers = findings.statuses.iter().map(|(_, count)| count).sum();
                    @for (status, count) in &findings.statuses {
                        (row(html! { (status) " " span.quiet { (meaning(*status)) } }, *count, answers))
                    }
                }
            }
        }
    }
}

fn row(name: Markup, count: u64, whole: u64) -> Markup {
    html! {
        tr {
            th scope="row" { (name) }
            td.number { (number(count)) }
            td.number.quiet { (percent(count, whole)) }
        }
    }
}

fn reasons(counts: &Counts, whole: u64) -> Markup {
    html! {
        @for reason in Skip::ALL {
            @if let Some(count) = counts.skipped_by.get(reason.name()) {
                (row(html! { span.reason { (reason.phrase()) } }, *count, whole))
            }
        }
    }
}

/// The outcomes: CSS class, count, name.
fn ends(counts: &Counts) -> [(&'static str, u64, &'static str); 9] {
    [
        ("indexed", counts.indexed, "indexed"),
        (
            "unchanged",
            counts.unchanged,
            "unchanged since the last crawl",
        ),
        ("duplicate", counts.duplicates, "duplicates of other pages"),
        ("redirected", counts.redirected, "redirects"),
        ("listed", counts.sitemaps, "sitemaps"),
        ("skipped", counts.skipped, "skipped"),
        ("gone", counts.gone, "dead links"),
        ("failed", counts.failed, "failed"),
        ("waiting", counts.waiting, "still to go"),
    ]
}

/// RFC 9110, section 15, and RFC 6585 for 429.
fn meaning(status: u64) -> &'static str {
    match status {
        200 => "OK",
        301 => "moved permanently",
        302 => "found elsewhere",
        303 => "see other",
        304 => "not modified",
        307 => "temporary redirect",
        308 => "permanent redirect",
        400 => "bad request",
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not found",
        410 => "gone",
        429 => "too many requests",
        500 => "server error",
        502 => "bad gateway",
        503 => "unavailable",
        504 => "gateway timeout",
        _ => "",
    }
}
