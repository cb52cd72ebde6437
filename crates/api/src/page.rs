//! The search page, rendered on the server: a form and its results, or advice if there are none.
//!
//! `maud` escapes every value; only [`marked`] lets markup through.

use std::sync::LazyLock;

use canter_core::task::UrlKey;
use canter_ranking::query::Query;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::answer::{Answer, Match, Relation, Suggestion, timestamp};
use crate::paging::query_string;
use crate::parameters::Invalid;
use crate::problem::Problem;
use crate::status::Report;

mod words;

use words::{choices, filters, grouped, pages, trail};

/// The page's style sheet.
pub(crate) const STYLE: &str = include_str!("../assets/style.css");
/// Script that updates the page while a person types.
pub(crate) const SCRIPT: &str = include_str!("../assets/search.js");
/// The page's icon: a lens that is a horseshoe.
pub(crate) const ICON: &str = include_str!("../assets/icon.svg");

/// URL of a file with its hash, which changes with the file's content.
static STYLE_URL: LazyLock<String> =
    LazyLock::new(|| format!("style.css?{}", UrlKey::hash(STYLE.as_bytes())));
static SCRIPT_URL: LazyLock<String> =
    LazyLock::new(|| format!("search.js?{}", UrlKey::hash(SCRIPT.as_bytes())));
static ICON_URL: LazyLock<String> =
    LazyLock::new(|| format!("icon.svg?{}", UrlKey::hash(ICON.as_bytes())));

/// Renders the page before the first search.
pub(crate) fn start(report: &Report) -> String {
    let body = html! {
        div.hero {
            h1 { img.mark src=(*ICON_URL) alt="" width="56" height="56"; "canter" }
            (form("", None, true))
            (holdings(report))
        }
    };
    document(None, html! {}, body)
}

/// Renders results, with links to the previous and the next page of results.
pub(crate) fn results(
    query: &Query,
    answer: &Answer,
    names: &[Suggestion],
    [previous, next]: [Option<&Query>; 2],
) -> String {
    let first = query.offset + 1;
    let last = query.offset + answer.results.len();
    let total = total(answer);
    let meant = answer.suggestion.as_ref().unwrap_or(&query.text);
    let body = html! {
        h1.summary {
            @if query.offset > 0 { (grouped(first)) "–" (grouped(last)) " of " }
            (total) " for " (quoted(meant))
            " in " span.whole { (answer.took_ms.max(1)) " ms" }
        }
        @if answer.suggestion.is_some() {
            p.meant { "No page has all of the words of " (quoted(&query.text)) " as they are written." }
        }
        (chosen(query))
        (spread(query, answer))
        (named(names))
        ol.results start=(first) {
            @for found in &answer.results { li { (result(found)) } }
        }
        @if previous.is_some() || next.is_some() {
            nav.paging aria-label="Pages of results" {
                @if let Some(query) = previous {
                    a.button rel="prev" href={ "?" (query_string(query)) } {
                        span aria-hidden="true" { "← " } "Previous"
                    }
                }
                span.here { (grouped(first)) "–" (grouped(last)) }
                @if let Some(query) = next {
                    a.button rel="next" href={ "?" (query_string(query)) } {
                        "Next" span aria-hidden="true" { " →" }
                    }
                }
            }
        }
    };
    searched(&query.text, Some(query), body)
}

/// Renders an answer without results: nothing matches, or the offset is behind the last result.
pub(crate) fn nothing(query: &Query, answer: &Answer, report: &Report) -> String {
    let first = Query {
        offset: 0,
        ..query.clone()
    };
    let everywhere = Query {
        site: None,
        language: None,
        path: None,
        ..first.clone()
    };
    let body = html! {
        div.notice {
            @if answer.total.value > 0 {
                h1 { "There are no results this far down" }
                p {
                    (total(answer)) " for " (quoted(&query.text)) ". "
                    a href={ "?" (query_string(&first)) } { "Go to the first ones" }
                }
            } @else {
                h1 { "Nothing found for " (quoted(&query.text)) }
                (chosen(query))
                ul {
                    @if everywhere != first {
                        li { a href={ "?" (query_string(&everywhere)) } { "Search everywhere" } " instead" }
                    }
                    li { "Try fewer words, or other words for the same thing" }
                    li { "Names from code can be typed as they stand, whole or in part" }
                }
                (holdings(report))
            }
        }
    };
    searched(&query.text, Some(query), body)
}

/// Renders the faults of an invalid search.
pub(crate) fn refused(text: &str, faults: &[Invalid]) -> String {
    let body = html! {
        div.notice role="alert" {
            h1 { "This search cannot be done" }
            ul { @for fault in faults { li { (fault.detail) } } }
            p { a href="./" { "Start again" } }
        }
    };
    searched(text, None, body)
}

/// Renders a failure of the index.
pub(crate) fn failed(query: &Query, problem: &Problem) -> String {
    let body = html! {
        div.notice role="alert" {
            h1 { "No answer this time" }
            p { (problem.detail) }
            p { a.button href={ "?" (query_string(query)) } { "Try again" } }
        }
    };
    searched(&query.text, Some(query), body)
}

/// Renders a page with the form in its header.
fn searched(text: &str, query: Option<&Query>, body: Markup) -> String {
    let head = html! {
        header.top {
            a.home href="./" aria-label="canter, to the beginning" {
                img.mark src=(*ICON_URL) alt="" width="32" height="32";
                span { "canter" }
            }
            (form(text, query, false))
        }
    };
    document(Some(text), head, body)
}

fn document(text: Option<&str>, head: Markup, body: Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { @if let Some(text) = text { (text) " – " } "canter" }
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // Pages of results have no content of their own, so other search engines skip them.
                meta name="robots" content="noindex, nofollow";
                link rel="icon" href=(*ICON_URL) type="image/svg+xml";
                link rel="stylesheet" href=(*STYLE_URL);
                script src=(*SCRIPT_URL) defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                (head)
                main #main tabindex="-1" { (body) }
                footer {
                    nav aria-label="About this search" {
                        a href="api/v1/openapi.json" { "API" }
                        a href="api/v1/status" { "Status" }
                    }
                    span { "canter " (env!("CARGO_PKG_VERSION")) }
                }
            }
        }
    };
    page.into_string()
}

fn form(text: &str, query: Option<&Query>, focus: bool) -> Markup {
    html! {
        form.search role="search" action="./" method="get" {
            label.unseen for="q" { "Search the documentation" }
            input #q type="search" name="q" value=(text) maxlength="500"
                placeholder="Words or code names" autocomplete="off"
                autocapitalize="none" spellcheck="false" enterkeyhint="search"
                autofocus[focus];
            @if let Some(query) = query {
                @for filter in filters(query) {
                    input type="hidden" name=(filter.parameter) value=(filter.value);
                }
            }
            button type="submit" { "Search" }
        }
    }
}

fn result(found: &Match) -> Markup {
    let fetched = timestamp(found.fetched_at);
    html! {
        article {
            p.trail {
                @for (place, step) in trail(&found.url).iter().enumerate() {
                    @if place > 0 { span.arrow aria-hidden="true" { " › " } }
                    bdi { (step) }
                }
                span aria-hidden="true" { " · " }
                span.whole { "read " time datetime=(fetched) { (fetched.strftime("%-d %b %Y")) } }
            }
            h2 { a href=(found.url) { bdi { (found.title) } } }
            @if !found.snippet.is_empty() { p.snippet { (marked(&found.snippet)) } }
            @if !found.sections.is_empty() {
                ul.sections aria-label="Sections of this page" {
                    @for section in &found.sections {
                        li {
                            a href=(section.url) { bdi { (section.title) } }
                            // The best section usually has the same snippet as the page, which
                            // already shows it above.
                            @if !section.snippet.is_empty() && section.snippet != found.snippet {
                                p.snippet { (marked(&section.snippet)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Renders the filters of a search, each with a link that removes it.
fn chosen(query: &Query) -> Markup {
    html! {
        @if filters(query).next().is_some() {
            ul.filters aria-label="Filters" {
                @for filter in filters(query) {
                    li {
                        span { (filter.name) " " strong { bdi { (filter.value) } } }
                        a href={ "?" (query_string(&filter.without)) } {
                            span.unseen { "Remove this filter" }
                            span aria-hidden="true" { "×" }
                        }
                    }
                }
            }
        }
    }
}

/// Renders the counts of each filter's values, each with a link to the results that have the value.
fn spread(query: &Query, answer: &Answer) -> Markup {
    let all = choices(query, &answer.filters);
    html! {
        @if !all.is_empty() {
            details.spread {
                summary { "Narrow down" }
                @for choice in &all {
                    h2 { (choice.name) }
                    ul {
                        @for (value, count, narrowed) in &choice.values {
                            li {
                                a href={ "?" (query_string(narrowed)) } { bdi { (value) } }
                                " " span.count { (grouped(count)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Renders names that begin like the query.
fn named(names: &[Suggestion]) -> Markup {
    html! {
        @if !names.is_empty() {
            ul.names aria-label="Names that begin so" {
                @for name in names {
                    @if let Some(url) = &name.url {
                        li { a href=(url) { bdi { (name.text) } } }
                    }
                }
            }
        }
    }
}

/// Renders the number of searchable pages and the progress of running crawls.
fn holdings(report: &Report) -> Markup {
    let searchable = report.searchable();
    html! {
        @if searchable > 0 {
            p.holdings {
                (pages(searchable)) " to search"
                @if let [only] = report.crawls.as_slice() { " from " (only.site) }
                @else { " from " (report.crawls.len()) " sites" }
            }
        }
        @for crawl in report.running() {
            p.running role="status" {
                span.dot aria-hidden="true" {}
                span {
                    "The crawl of " strong { (crawl.site) } " is running: "
                    (pages(crawl.pages)) " read, " (grouped(crawl.waiting)) " to go. "
                    @if searchable == 0 { "Pages can be found here as soon as they are read." }
                }
            }
        }
        @if searchable == 0 && !report.crawls.is_empty() && report.running().next().is_none() {
            p.holdings { "There is no page to search yet." }
        }
    }
}

fn total(answer: &Answer) -> Markup {
    html! {
        @if answer.total.relation == Relation::Gte { "at least " }
        (grouped(answer.total.value))
        @if answer.total.value == 1 { " result" } @else { " results" }
    }
}

fn quoted(text: &str) -> Markup {
    html! { span.quoted { "“" bdi { (text) } "”" } }
}

/// Passes on a snippet, which is HTML that [`only_marks`](crate::snippet::only_marks) has checked.
fn marked(snippet: &str) -> Markup {
    PreEscaped(snippet.to_owned())
}
