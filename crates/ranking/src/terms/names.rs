//! What a page or a section is called.

use crate::words::name;

/// Names by which a whole query finds a page or a section of this title and with these ids. A
/// heading `os.path — Common manipulations` is also called by each of its parts, `2.1. Sorting` by
/// what stands behind the number, `The with statement` by what stands behind the article, and
/// `os.path.join` is also called `path.join` and `join`.
pub fn names<'a>(title: &'a str, ids: impl Iterator<Item = &'a String> + Clone) -> Vec<String> {
    let whole = unnumbered(title).unwrap_or(title);
    let parts = PARTED
        .iter()
        .filter(|it| whole.contains(*it))
        .flat_map(|parted| whole.split(parted));
    let titles = [title, whole].into_iter().chain(parts);
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

/// What stands between the parts of a title.
const PARTED: [&str; 5] = ["—", "–", " - ", ": ", " | "];

/// A title without the article that it begins with; none where it begins with none.
fn without_article(title: &str) -> Option<&str> {
    let (first, rest) = title.trim_start().split_once(char::is_whitespace)?;
    let articles = ["the", "a", "an"];
    let begins = articles.iter().any(|it| first.eq_ignore_ascii_case(it));
    begins.then_some(rest)
}

/// A heading without its number (`2.1.`); none where it has none, or nothing else.
fn unnumbered(heading: &str) -> Option<&str> {
    let (number, rest) = heading.trim_start().split_once(char::is_whitespace)?;
    let of_number = |c: char| c.is_ascii_digit() || c == '.';
    let is_number = number.starts_with(|c: char| c.is_ascii_digit()) && number.contains('.');
    (is_number && number.chars().all(of_number)).then_some(rest.trim_start())
}
