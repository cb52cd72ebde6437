//! The positions of a page's sections among its words, and their scores.
//!
//! Words of the text have positions from 0. The marks of the sections follow in order after a gap
//! of one. Two columns hold the first positions of each section's words and marks, and one more
//! value for the end. A section is weighed as a text of its own, by BM25 over all sections of all
//! pages.

use canter_ranking::terms::{HEADING_COPIES, MAX_SECTIONS, PageTerms};
use tantivy::columnar::Column;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::{DocId, SegmentReader};

use crate::bm25::Bm25;
use crate::schema::column;

/// Number of bits for a heading's length and for its level.
const HEADING_BITS: u32 = 10;
const LEVEL_BITS: u32 = 4;

/// The sections of a page, as the columns store them.
#[derive(Default)]
pub(super) struct Places {
    /// First word, length of the heading and level of each section, followed by the number of
    /// words.
    pub(super) starts: Vec<u64>,
    /// First mark of each section, followed by the number of marks.
    pub(super) marks: Vec<u64>,
}

impl Places {
    pub(super) fn of(terms: &PageTerms) -> Self {
        let mut places = Places::default();
        let mut marks = 0;
        for (number, section) in terms.sections.iter().enumerate() {
            if number < MAX_SECTIONS {
                let heading = (section.heading as u64).min((1 << HEADING_BITS) - 1);
                let level = u64::from(section.level).min((1 << LEVEL_BITS) - 1);
                let start = (section.start as u64) << HEADING_BITS | heading;
                places.starts.push(start << LEVEL_BITS | level);
                places.marks.push(marks);
            }
            marks += count(&section.marks);
        }
        if !places.starts.is_empty() {
            let words = count(&terms.text);
            places.starts.push(words << (HEADING_BITS + LEVEL_BITS));
            places.marks.push(marks);
        }
        places
    }
}

/// Returns the number of terms of a list.
fn count(list: &str) -> u64 {
    match list {
        "" => 0,
        list => list.bytes().filter(|byte| *byte == b' ').count() as u64 + 1,
    }
}

/// A section of the current page.
#[derive(Debug, Clone, Copy, Default)]
struct Section {
    /// Positions of the first word and the first mark.
    start: u32,
    marks: u32,
    /// Number of words of the heading.
    heading: u32,
    level: u8,
    /// Length of the text by which the section is weighed, in words.
    length: u32,
    /// Term frequency of the current word.
    count: u32,
    score: f32,
}

/// Weighs the sections of one page at a time.
pub(super) struct Sections {
    columns: Option<(Column<u64>, Column<u64>)>,
    /// Values of both columns for the current page.
    values: [Vec<u64>; 2],
    page: Vec<Section>,
    /// Number of words of the text, and the position after the marks.
    words: u32,
    end: u32,
    /// Sections that have the current word.
    touched: Vec<usize>,
    above: Vec<(u8, u32)>,
}

impl Sections {
    pub(super) fn new(segment: &SegmentReader) -> tantivy::Result<Self> {
        let columns = segment.fast_fields();
        let starts = columns.column_opt::<u64>(column::SECTIONS)?;
        let marks = columns.column_opt::<u64>(column::MARKS)?;
        Ok(Sections {
            columns: starts.zip(marks),
            values: Default::default(),
            page: Vec::new(),
            words: 0,
            end: 0,
            touched: Vec::new(),
            above: Vec::new(),
        })
    }

    /// Makes a page the current one.
    pub(super) fn take(&mut self, page: DocId) {
        self.page.clear();
        let Some((starts, marks)) = &self.columns else {
            return;
        };
        let [of_starts, of_marks] = &mut self.values;
        values(starts, page, of_starts);
        values(marks, page, of_marks);
        let both = of_starts.iter().zip(of_marks.iter());
        self.page.extend(both.map(|(&place, &marks)| Section {
            start: (place >> (HEADING_BITS + LEVEL_BITS)) as u32,
            heading: (place >> LEVEL_BITS) as u32 & ((1 << HEADING_BITS) - 1),
            level: place as u8 & ((1 << LEVEL_BITS) - 1),
            marks: marks as u32,
            ..Section::default()
        }));
        let Some(end) = self.page.pop() else {
            return;
        };
        let first_mark = end.start + 1;
        self.words = end.start;
        self.end = first_mark + end.marks;
        self.above.clear();
        let mut next = (self.words, self.end);
        for section in self.page.iter_mut().rev() {
            section.marks += first_mark;
            section.length = next.0.saturating_sub(section.start)
                + next.1.saturating_sub(section.marks)
                + section.heading * HEADING_COPIES as u32;
            next = (section.start, section.marks);
        }
        for section in &mut self.page {
            if section.level == 0 {
                self.above.clear();
                continue;
            }
            while self
                .above
                .last()
                .is_some_and(|above| above.0 >= section.level)
            {
                self.above.pop();
            }
            section.length += self.above.iter().map(|above| above.1).sum::<u32>();
            self.above.push((section.level, section.heading));
        }
    }

    /// Returns the lengths by which the sections of the current page are weighed, in words.
    pub(super) fn lengths(&self) -> impl Iterator<Item = u32> {
        self.page.iter().map(|section| section.length)
    }

    /// Returns the number of sections of the current page that have a word, given the word's
    /// positions in order.
    pub(super) fn holding(&mut self, positions: &[u32]) -> usize {
        self.count(positions);
        let holding = self.touched.len();
        for place in self.touched.drain(..) {
            self.page[place].count = 0;
        }
        holding
    }

    /// Adds the score of a word to each section that has it.
    pub(super) fn add(&mut self, positions: &[u32], bm25: &Bm25) {
        self.count(positions);
        for place in self.touched.drain(..) {
            let section = &mut self.page[place];
            let length = FieldNormReader::fieldnorm_to_id(section.length);
            section.score += bm25.score(length, section.count);
            section.count = 0;
        }
    }

    /// Counts a word in each section.
    fn count(&mut self, positions: &[u32]) {
        let mut at = 0;
        for &position in positions {
            if position >= self.end {
                break;
            }
            let mark = position >= self.words;
            let start = |section: &Section| match mark {
                true => section.marks,
                false => section.start,
            };
            if mark && at > 0 && start(&self.page[at - 1]) > position {
                at = 0;
            }
            while self
                .page
                .get(at)
                .is_some_and(|next| start(next) <= position)
            {
                at += 1;
            }
            // Text before the first section belongs to none.
            let Some(place) = at.checked_sub(1) else {
                continue;
            };
            let section = self.page[place];
            if mark || position >= section.start + section.heading {
                self.touch(place, 1);
                continue;
            }
            self.touch(place, 1 + HEADING_COPIES as u32);
            let below = self.page[place + 1..].iter();
            let below = below.take_while(|below| below.level > section.level);
            let below = if section.level > 0 { below.count() } else { 0 };
            for place in place + 1..=place + below {
                self.touch(place, 1);
            }
        }
    }

    fn touch(&mut self, place: usize, count: u32) {
        let section = &mut self.page[place];
        if section.count == 0 {
            self.touched.push(place);
        }
        section.count += count;
    }

    /// Returns the score of the best section; 0 if none matches.
    pub(super) fn best(&self) -> f32 {
        let scores = self.page.iter().map(|section| section.score);
        scores.fold(0.0, f32::max)
    }

    /// Returns the numbers of the matching sections, best first.
    pub(super) fn ranked(&self) -> Vec<usize> {
        let score = |place: usize| self.page[place].score;
        let mut places: Vec<usize> = (0..self.page.len()).collect();
        places.retain(|&place| score(place) > 0.0);
        places.sort_by(|&a, &b| score(b).total_cmp(&score(a)).then(a.cmp(&b)));
        places
    }
}

/// Reads all values of a page in a column at once, which takes half the time of reading them one by
/// one.
pub(super) fn values(column: &Column<u64>, page: DocId, values: &mut Vec<u64>) {
    let rows = column.index.value_row_ids(page);
    values.clear();
    values.resize(rows.len(), 0);
    let column = column.values.as_ref();
    column.get_range(u64::from(rows.start), values);
}
