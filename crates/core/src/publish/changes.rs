//! What a publishing changed, told with examples.

use serde::{Deserialize, Serialize};
use url::Url;

/// Maximum number of examples of a kind.
const EXAMPLES: usize = 10;

/// Pages that changed in one way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Number of pages.
    pub count: u64,
    /// Some of them.
    pub examples: Vec<Url>,
}

impl Change {
    pub(super) fn add(&mut self, url: &Url) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(url.clone());
        }
    }
}

/// What a publishing changed in the index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Changes {
    /// Pages that the index did not show before.
    pub new: Change,
    /// Pages with other content.
    pub changed: Change,
    /// Pages that are shown at another address now.
    pub moved: Change,
    /// Pages that no longer exist.
    pub removed: Change,
    /// Pages that may no longer be shown: by robots.txt, by `noindex`, by the user's options, or
    /// since access is refused.
    pub withdrawn: Change,
    /// Pages whose content is shown at another URL.
    pub duplicates: Change,
    /// Number of published pages that were lost: that left, or are no longer themselves. Publishing
    /// allows a refresh to lose a share of the pages.
    pub lost: u64,
}

impl Changes {
    /// Adds what a later publishing of the same crawl changed.
    #[must_use]
    pub fn and(mut self, later: Changes) -> Self {
        let later_lost = later.lost;
        let of_kind = [
            (&mut self.new, later.new),
            (&mut self.changed, later.changed),
            (&mut self.moved, later.moved),
            (&mut self.removed, later.removed),
            (&mut self.withdrawn, later.withdrawn),
            (&mut self.duplicates, later.duplicates),
        ];
        for (before, later) in of_kind {
            before.count += later.count;
            let room = EXAMPLES.saturating_sub(before.examples.len());
            before
                .examples
                .extend(later.examples.into_iter().take(room));
        }
        self.lost += later_lost;
        self
    }

    /// Returns whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.all().iter().all(|(_, change)| change.count == 0)
    }

    /// Returns the changes with their names, as JSON has them.
    pub fn all(&self) -> [(&'static str, &Change); 6] {
        [
            ("new", &self.new),
            ("changed", &self.changed),
            ("moved", &self.moved),
            ("removed", &self.removed),
            ("withdrawn", &self.withdrawn),
            ("duplicates", &self.duplicates),
        ]
    }
}
