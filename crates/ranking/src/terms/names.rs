//! Names of pages and sections.

use crate::tokenizer::name;

/// Maximum length of a name that is offered as a completion, in characters.
const MAX_NAME: usize = 100;

/// Returns whether a title is offered as a completion.
pub(super) fn is_offered(title: &str) -> bool {
    !title.trim().is_empty() && title.len() <= 4 * MAX_NAME && title.chars().count() <= MAX_NAME
}

/// Returns the names by which a whole query finds a page or a section with this title and these
/// ids. A heading like `os.path — Common manipulations` also has each of its parts as a name. A
/// query also finds `2.1. Sorting` without the number, `The with statement` without the article,
/// and `os.path.join` by its ends `path.join` and `join`.
pub fn names<'a>(title: &'a str, ids: impl Iterator<Item = &'a String> + Clone) -> Vec<String> {
    let unnumbered = unnumbered(title);
    let whole = unnumbered.unwrap_or(title);
    let parts = PARTED
        .iter()
        .filter(|it| whole.contains(*it))
        .flat_map(|parted| whole.split(parted));
    let titles = [title].into_iter().chain(unnumbered).chain(parts);
    let titles = titles.flat_map(|title| [Some(title), without_article(title)]);
    let ids = ids.map(String::as_str);
    let ends = ids.clone().flat_map(|id| {
        let joints = id.match_indices(['.', ':']);
        joints.map(|(at, _)| id[at..].trim_start_matches(['.', ':']))
    });
    let mut names: Vec<String> = titles
        .flatten()
        .chain(ids)
        .chain(ends)
        .filter_map(name)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Separators between the parts of a title.
const PARTED: [&str; 5] = ["—", "–", " - ", ": ", " | "];

/// Removes the leading article of a title; none without an article.
fn without_article(title: &str) -> Option<&str> {
    let (first, rest) = title.trim_start().split_once(char::is_whitespace)?;
    let articles = ["the", "a", "an"];
    let begins = articles.iter().any(|it| first.eq_ignore_ascii_case(it));
    begins.then_some(rest)
}

/// Removes the leading number of a heading (`2.1.`); none without a number, or if the heading holds
/// nothing else.
fn unnumbered(heading: &str) -> Option<&str> {
    let (number, rest) = heading.trim_start().split_once(char::is_whitespace)?;
    let of_number = |c: char| c.is_ascii_digit() || c == '.';
    let is_number = number.starts_with(|c: char| c.is_ascii_digit()) && number.contains('.');
    (is_number && number.chars().all(of_number)).then_some(rest.trim_start())
}
