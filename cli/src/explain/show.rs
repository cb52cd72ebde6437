//! The answer for a person.

use console::style;
use indicatif::{HumanBytes, HumanCount};

use super::answer::{Answer, InIndex, NotIn, OfSite, Robots};
use super::history::{History, Waypoint};
use crate::printable::printable;
use crate::when::{ago, iso, now_ms, span};

/// Maximum number of sections that are shown.
const SECTIONS: usize = 30;
/// Maximum number of URLs that are shown of a list or of a way.
const SOME: usize = 12;

/// The whole answer. `asked` says whether one site was asked for by name.
pub fn text(answer: &Answer, asked: bool) -> String {
    let mut text = format!("{}\n", style(&answer.url).cyan().bold());
    if !answer.changes.is_empty() {
        let changes: Vec<String> = answer.changes.iter().map(ToString::to_string).collect();
        text += &row("typed as", &answer.typed);
        text += &row("normalised", &changes.join(", "));
    }
    text += &row("address", &address(answer));
    if let Some(said) = &answer.robots {
        text += &row("robots.txt", &robots(said));
    }
    for site in &answer.sites {
        text += &of_site(site);
    }
    if answer.sites.is_empty() || asked {
        text += &not_in(&answer.not_in);
    }
    if answer.sites.is_empty() && answer.not_in.is_empty() {
        text += &row("sites", "none was crawled yet");
        text += &row("advice", &format!("canter crawl {}", answer.url));
    }
    text
}

fn row(label: &str, what: &str) -> String {
    let label = style(format!("{label:<11}")).dim();
    format!("  {label} {what}\n")
}

/// At most `most` lines under one label, and the number of those left out.
fn rows(label: &str, all: impl ExactSizeIterator<Item = String>, most: usize) -> String {
    let more = all.len().saturating_sub(most);
    let mut text = String::new();
    for (number, what) in all.take(most).enumerate() {
        text += &row(if number == 0 { label } else { "" }, &what);
    }
    if more > 0 {
        text += &row("", &format!("and {more} more"));
    }
    text
}

fn address(answer: &Answer) -> String {
    let host = answer.address.host.as_deref().unwrap_or("none");
    match (answer.address.kind, answer.address.permitted) {
        ("private", Some(true)) => format!("{host}, private and permitted"),
        ("private", _) => format!("{host}, {}", style("private: refused").yellow()),
        ("public", _) => format!("{host}, public"),
        ("name", Some(true)) => format!("{host}, looked up when it is dialled; may be private"),
        ("name", _) => format!("{host}, looked up when it is dialled; must be public"),
        _ => host.to_owned(),
    }
}

fn robots(robots: &Robots) -> String {
    let Some(fetched) = robots.fetched_ms else {
        return format!("of {} not known yet: a crawl asks for it", robots.authority);
    };
    let of = match robots.group.as_deref() {
        Some(group) => format!(" (group {group})"),
        None => String::new(),
    };
    let said = match (&robots.rule, robots.allowed) {
        (Some(rule), Some(false)) => format!("{} forbids it{of}", style(rule).red()),
        (Some(rule), _) => format!("{} allows it{of}", style(rule).green()),
        (None, Some(false)) => "forbids it".to_owned(),
        (None, _) if robots.group.is_none() => "there is none: everything is allowed".to_owned(),
        (None, _) => format!("no rule speaks of it{of}: allowed"),
    };
    let delay = match robots.crawl_delay_seconds {
        Some(seconds) => format!(", Crawl-delay {seconds} s"),
        None => String::new(),
    };
    format!("{said}{delay}, as of {}", span(fetched, now_ms()))
}

fn of_site(site: &OfSite) -> String {
    let mut text = format!("{} {}\n", style(&site.site).bold(), headline(site));
    if let Some(known) = &site.known {
        text += &of_known(known);
    }
    if let Some(page) = &site.index {
        text += &of_index(page);
    }
    if let Some(advice) = &site.advice {
        text += &row("advice", advice);
    }
    text
}

fn headline(site: &OfSite) -> String {
    let good = site.index.is_some() && site.reason.is_none() && site.in_scope;
    let failed = site
        .known
        .as_ref()
        .is_some_and(|known| known.failure.is_some() || known.outcome.as_deref() == Some("gone"));
    let why = style(printable(&site.why));
    if good {
        why.green().to_string()
    } else if failed {
        why.red().to_string()
    } else {
        why.yellow().to_string()
    }
}

fn of_known(known: &History) -> String {
    let now = now_ms();
    let mut text = String::new();
    if let Some(fetched) = known.fetched_ms {
        text += &row(
            "fetched",
            &format!("{}{}", ago(fetched, now), answered(known)),
        );
    }
    if let Some(due) = known.due_ms {
        text += &row("due", &ago(due, now));
    }
    text += &found(known);
    let urls = |label, urls: &[url::Url]| rows(label, urls.iter().map(ToString::to_string), SOME);
    text += &urls("redirected", &known.redirected_from);
    let targets = known.redirects_to.iter().map(|target| {
        let outcome = target.outcome.as_deref().unwrap_or("not met");
        format!("{} {}", target.url, style(outcome).dim())
    });
    text += &rows("leads to", targets, SOME);
    text += &urls("copies", &known.duplicates);
    if let Some(canonical) = &known.canonical {
        text += &row("canonical", canonical.as_str());
    }
    if let Some(lastmod) = known.lastmod_ms {
        text += &row("sitemap", &format!("last changed {}", iso(lastmod)));
    }
    let validators = [
        ("ETag", &known.etag),
        ("Last-Modified", &known.last_modified),
    ];
    let validators = validators
        .iter()
        .filter_map(|(name, value)| Some(format!("{name} {}", value.as_deref()?)));
    let validators: Vec<String> = validators.collect();
    if !validators.is_empty() {
        text += &row("validators", &validators.join(", "));
    }
    text
}

/// The last answer: `: status 200, 12 KiB in 40 ms`.
fn answered(known: &History) -> String {
    let mut parts = Vec::new();
    if let Some(status) = known.status {
        parts.push(format!("status {status}"));
    }
    if let (Some(bytes), Some(took)) = (known.bytes, known.took_ms) {
        parts.push(format!("{} in {} ms", HumanBytes(bytes), HumanCount(took)));
    }
    if parts.is_empty() {
        return String::new();
    }
    format!(": {}", parts.join(", "))
}

/// The way from a seed, one line per URL. Of a long way only both ends are shown.
fn found(known: &History) -> String {
    let way = &known.found;
    let depth = match known.depth {
        0 => String::new(),
        1 => ", 1 link deep".to_owned(),
        depth => format!(", {depth} links deep"),
    };
    if let [Waypoint { by, .. }] = way.as_slice() {
        return row("found", &format!("{}{depth}", of_way(by)));
    }
    let left_out = way.len().saturating_sub(SOME);
    let mut text = String::new();
    for (number, link) in way.iter().enumerate() {
        if left_out > 0 && number == SOME / 2 {
            text += &row("", &format!("… {left_out} more …"));
        }
        if left_out > 0 && (SOME / 2..SOME / 2 + left_out).contains(&number) {
            continue;
        }
        let label = if number == 0 { "found" } else { "" };
        let last = number + 1 == way.len();
        let url = if last { "this" } else { link.url.as_str() };
        let what = if number == 0 {
            of_way(link.by).to_owned()
        } else {
            format!("by {}{}", link.by, if last { depth.as_str() } else { "" })
        };
        let sign = if number == 0 { "" } else { "→ " };
        text += &row(label, &format!("{sign}{url} {}", style(what).dim()));
    }
    text
}

fn of_way(by: &str) -> &str {
    match by {
        "unknown" => "in a way that is not known any more",
        by => by,
    }
}

fn of_index(page: &InIndex) -> String {
    let language = page.language.as_deref().unwrap_or("no language named");
    let links = match page.links {
        1 => "1 link out".to_owned(),
        links => format!("{links} links out"),
    };
    let title = style(printable(&page.title)).bold();
    let mut text = row("title", &format!("{title} ({language}, {links})"));
    // The section before the first heading has no title.
    let titled = page
        .sections
        .iter()
        .filter(|section| !section.title.is_empty());
    let titled: Vec<_> = titled.collect();
    let sections = titled.iter().map(|section| {
        let indent = "  ".repeat(usize::from(section.level.saturating_sub(1)));
        let anchor = match &section.anchor {
            Some(anchor) => style(format!(" #{anchor}")).cyan().to_string(),
            None => String::new(),
        };
        format!("{indent}{}{anchor}", printable(&section.title))
    });
    text += &rows("sections", sections, SECTIONS);
    text
}

fn not_in(sites: &[NotIn]) -> String {
    let mut text = String::new();
    for site in sites.iter().take(SOME) {
        let why = style(format!("not in the site: {}", site.why)).yellow();
        text += &format!("{} {why}\n", style(&site.site).bold());
        if let Some(advice) = &site.advice {
            text += &row("advice", advice);
        }
    }
    if sites.len() > SOME {
        text += &row("", &format!("and {} more sites", sites.len() - SOME));
    }
    text
}
