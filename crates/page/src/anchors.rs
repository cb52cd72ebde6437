//! The fragments that lead to a heading from outside of it: ids around it, and anchors before it.

use super::names;

/// The last id and the last anchor that were met. Each leads to what follows immediately.
#[derive(Default)]
pub(super) struct Anchors {
    /// Id of an element, which its first heading may use.
    wrapper: Option<Anchor>,
    /// Id or name of an anchor.
    target: Option<Anchor>,
}

struct Anchor {
    name: String,
    /// Offset in the text at which the anchor stood.
    at: usize,
    /// Whether the author wrote it as an anchor, so that it may name what follows.
    is_named: bool,
}

impl Anchors {
    /// Notes the id of an element that begins at byte `at`.
    pub(super) fn wrap(&mut self, id: Option<&str>, at: usize) {
        note(&mut self.wrapper, id, at, true);
    }

    /// Notes an anchor at byte `at`; `is_named` tells whether it may name what follows.
    pub(super) fn aim(&mut self, name: Option<&str>, at: usize, is_named: bool) {
        note(&mut self.target, name, at, is_named);
    }

    /// Whether an element with an id began right before byte `at`.
    pub(super) fn is_wrapped(&self, at: usize) -> bool {
        self.wrapper.as_ref().is_some_and(|anchor| anchor.at == at)
    }

    /// Whether an anchor stands right before byte `at`.
    pub(super) fn is_aimed(&self, at: usize) -> bool {
        self.target.as_ref().is_some_and(|anchor| anchor.at == at)
    }

    /// Whether an anchor that names something stands right before byte `at`.
    pub(super) fn has_name(&self, at: usize) -> bool {
        self.target.as_ref().is_some_and(|anchor| {
            anchor.is_named && anchor.at == at && names::is_distinctive(&anchor.name)
        })
    }

    /// Takes the name of the anchor.
    pub(super) fn take_name(&mut self) -> Option<String> {
        self.target.take().map(|anchor| anchor.name)
    }

    /// Takes what leads to a heading that begins at byte `start`: the id around it, and the anchor
    /// before it.
    pub(super) fn take(&mut self, start: usize) -> [Option<String>; 2] {
        // At most a line end stands between an anchor and what it leads to.
        let here = |anchor: Option<Anchor>| {
            anchor
                .filter(|anchor| anchor.at + 1 >= start)
                .map(|anchor| anchor.name)
        };
        [here(self.wrapper.take()), here(self.target.take())]
    }
}

fn note(place: &mut Option<Anchor>, name: Option<&str>, at: usize, is_named: bool) {
    if let Some(name) = name.filter(|name| !name.is_empty()) {
        *place = Some(Anchor {
            name: name.to_owned(),
            at,
            is_named,
        });
    }
}
