//! Facets: the number of matching pages by site, language and folder.

use url::Url;

/// Maximum number of values of each facet.
pub const MAX_VALUES: usize = 10;
/// Maximum depth of the folders that are counted.
const MAX_DEPTH: usize = 4;

/// Numbers of matching pages by value, largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facets {
    /// Counts by site.
    pub sites: Vec<(String, u64)>,
    /// Counts by language, without its region (`pt`).
    pub languages: Vec<(String, u64)>,
    /// Counts by folder of the URL's path (`/library/`), directly below the folder that holds all
    /// pages.
    pub folders: Vec<(String, u64)>,
}

impl Facets {
    /// Returns the facets of `total` pages below `path`, from counts of any number of values.
    /// `folders` may count any of the pages' [`folders`].
    pub fn of(
        sites: Vec<(String, u64)>,
        languages: Vec<(String, u64)>,
        folders: Vec<(String, u64)>,
        path: Option<&str>,
        total: u64,
    ) -> Self {
        let within = path.unwrap_or("/");
        let within = &within[..within.rfind('/').map_or(0, |slash| slash + 1)];
        Facets {
            sites: most(sites),
            languages: most(languages),
            folders: most(below(folders, within, total)),
        }
    }
}

/// Returns the folders of a page, outermost first (`/a/`, `/a/b/`), down to a fixed depth.
pub fn folders(url: &Url) -> impl Iterator<Item = &str> {
    let path = url.path();
    let slashes = path.match_indices('/').skip(1).take(MAX_DEPTH);
    slashes.map(|(slash, _)| &path[..=slash])
}

/// Returns the folders directly below `within`, or below its only folder if that holds all pages.
fn below(folders: Vec<(String, u64)>, within: &str, total: u64) -> Vec<(String, u64)> {
    let inside = |(folder, _): &&(String, u64)| {
        let rest = folder.strip_prefix(within);
        rest.is_some_and(|rest| rest.find('/') == Some(rest.len().saturating_sub(1)))
    };
    let here: Vec<(String, u64)> = folders.iter().filter(inside).cloned().collect();
    match here.as_slice() {
        [(only, count)] if *count == total => below(folders, only, total),
        _ => here,
    }
}

fn most(mut counts: Vec<(String, u64)>) -> Vec<(String, u64)> {
    counts.retain(|(_, count)| *count > 0);
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.truncate(MAX_VALUES);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_lies_in_all_folders_above_it() {
        for (path, expected) in [
            ("/", &[][..]),
            ("/a", &[]),
            ("/a/", &["/a/"]),
            ("/a/b/c.html", &["/a/", "/a/b/"]),
            ("/a/b/c/d/e/f", &["/a/", "/a/b/", "/a/b/c/", "/a/b/c/d/"]),
        ] {
            let url = Url::parse(&format!("https://a.test{path}")).unwrap();
            assert_eq!(folders(&url).collect::<Vec<_>>(), expected, "{path}");
        }
    }

    #[test]
    fn the_folders_are_those_that_part_the_pages() {
        let folders: Vec<(String, u64)> = [
            ("/3/", 9),
            ("/3/library/", 6),
            ("/3/howto/", 3),
            ("/3/library/x/", 1),
        ]
        .map(|(folder, count)| (folder.to_owned(), count))
        .into();
        let of = |path: Option<&str>, total| {
            let facets = Facets::of(Vec::new(), Vec::new(), folders.clone(), path, total);
            let names = facets.folders.into_iter().map(|(folder, _)| folder);
            names.collect::<Vec<_>>()
        };
        assert_eq!(of(None, 9), ["/3/library/", "/3/howto/"]);
        assert_eq!(of(None, 10), ["/3/"]);
        assert_eq!(of(Some("/3/library/"), 6), ["/3/library/x/"]);
        assert_eq!(of(Some("/3/lib"), 6), ["/3/library/", "/3/howto/"]);
        assert_eq!(of(Some("/3/library/x/"), 1), [""; 0]);
    }
}
