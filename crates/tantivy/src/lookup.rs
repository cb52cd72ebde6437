//! The lookup of a plan in an index: the posting lists of its terms and their weights.

use std::sync::Arc;

use canter_ranking::plan::{Clause, Field as PlanField, Plan, Saturation};
use tantivy::postings::SegmentPostings;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Searcher, SegmentReader, Term};

use crate::bm25::Bm25;
use crate::postings::Postings;
use crate::schema::Fields;
use crate::statistics::{FieldStatistics, Statistics};

/// A looked-up plan, ready to run over each segment.
pub(super) struct Lookup {
    pub(super) body: Field,
    /// Terms searched in the body.
    pub(super) body_terms: Vec<BodyTerm>,
    /// Pairs of neighbouring terms, by their positions in `body_terms`.
    pub(super) pairs: Vec<(usize, usize, Bm25)>,
    /// Terms searched in other fields, each with the ways in which it is weighed.
    pub(super) others: Vec<(Arc<Postings>, Vec<Bm25>)>,
    /// Terms that give each page that has them the same score. The page matches by other terms.
    pub(super) flat: Vec<(Arc<Postings>, f32)>,
    /// Pages that are called by the name, and the weight of the links to them.
    pub(super) own_name: Option<(Arc<Postings>, f32)>,
    /// Pages that have the query as a name.
    name: Option<Arc<Postings>>,
    pub(super) name_weight: f32,
    pub(super) link_weight: f32,
    pub(super) list_factor: f32,
}

/// A term searched in the body.
pub(super) struct BodyTerm {
    term: String,
    postings: Arc<Postings>,
    pub(super) bm25: Bm25,
    /// The term's score in sections, if it is searched there.
    pub(super) in_sections: Option<Bm25>,
}

impl Lookup {
    pub(super) fn new(
        searcher: &Searcher,
        fields: &Fields,
        statistics: &Statistics,
        plan: &Plan,
    ) -> tantivy::Result<Self> {
        let of = statistics.collection(searcher, fields)?;
        let mut lookup = Lookup {
            body: fields.body,
            body_terms: Vec::new(),
            pairs: Vec::new(),
            others: Vec::new(),
            flat: Vec::new(),
            own_name: None,
            name: None,
            name_weight: plan.name_weight,
            link_weight: plan.link_weight,
            list_factor: plan.list_factor,
        };
        let postings =
            |field, term: &str| statistics.postings(searcher, Term::from_field_text(field, term));
        let weigh = |of: FieldStatistics, clause: &Clause, doc_freq| {
            of.weight([doc_freq], clause.bm25(), clause.weight)
        };
        let clause = |field| plan.clauses.iter().find(|clause| clause.field == field);
        let sections = clause(PlanField::Sections);
        if let Some(clause) = clause(PlanField::Body) {
            for term in &clause.terms {
                let Some(postings) = postings(fields.body, term)? else {
                    continue;
                };
                let in_sections = match sections.filter(|clause| clause.terms.contains(term)) {
                    Some(clause) => {
                        let doc_freq = postings.sections(searcher)?;
                        Some(weigh(of.sections, clause, doc_freq))
                    }
                    None => None,
                };
                lookup.body_terms.push(BodyTerm {
                    term: term.clone(),
                    bm25: weigh(of.body, clause, postings.pages),
                    postings,
                    in_sections,
                });
            }
        }
        for [first, second] in &plan.pairs {
            if let (Some(first), Some(second)) = (lookup.position(first), lookup.position(second)) {
                let doc_freqs = [first, second].map(|at| lookup.body_terms[at].postings.pages);
                let params = PlanField::Body.bm25(Saturation::Early);
                let bm25 = of.body.weight(doc_freqs, params, plan.pair_weight);
                lookup.pairs.push((first, second, bm25));
            }
        }
        for clause in &plan.clauses {
            let (field, of) = match clause.field {
                PlanField::AnchorText => (fields.anchor_text, of.anchor_text),
                PlanField::Address => (fields.address, of.address),
                PlanField::Common => (fields.common, of.common),
                PlanField::Body | PlanField::Sections => continue,
            };
            for term in &clause.terms {
                let Some(postings) = postings(field, term)? else {
                    continue;
                };
                let bm25 = weigh(of, clause, postings.pages);
                let mut others = lookup.others.iter_mut();
                match others.find(|(other, _)| Arc::ptr_eq(other, &postings)) {
                    Some((_, ways)) => ways.push(bm25),
                    None => lookup.others.push((postings, vec![bm25])),
                }
            }
        }
        if let Some(name) = &plan.name {
            lookup.name = postings(fields.name, name)?;
        }
        if let Some(name) = &plan.own_name {
            let called = postings(fields.name, name)?;
            lookup.own_name = called.map(|called| (called, plan.own_name_weight));
        }
        for phrase in &plan.title_phrases {
            let called = postings(fields.name, phrase)?;
            let weighed = called.map(|called| (called, plan.title_phrase_weight));
            lookup.flat.extend(weighed);
        }
        for number in &plan.numbers {
            if let Some(at) = lookup.position(number) {
                let postings = Arc::clone(&lookup.body_terms[at].postings);
                let weight = plan.number_weight * of.body.idf(postings.pages);
                lookup.flat.push((postings, weight));
            }
        }
        Ok(lookup)
    }

    /// Returns the posting lists of the body's terms in a segment, with their positions in
    /// `body_terms`.
    pub(super) fn body_in(
        &self,
        number: usize,
        segment: &SegmentReader,
        option: IndexRecordOption,
    ) -> tantivy::Result<Vec<(usize, SegmentPostings)>> {
        let mut all = Vec::with_capacity(self.body_terms.len());
        for (at, term) in self.body_terms.iter().enumerate() {
            let postings = term.postings.within(number, segment, option)?;
            all.extend(postings.map(|postings| (at, postings)));
        }
        Ok(all)
    }

    /// Returns the pages of a segment that have the query as a name.
    pub(super) fn named_in(
        &self,
        number: usize,
        segment: &SegmentReader,
    ) -> tantivy::Result<Option<SegmentPostings>> {
        match &self.name {
            Some(name) => name.within(number, segment, IndexRecordOption::Basic),
            None => Ok(None),
        }
    }

    fn position(&self, term: &str) -> Option<usize> {
        self.body_terms.iter().position(|it| it.term == term)
    }
}
