//! Progress bars on a terminal: two lines per site, as wide as the terminal.

use canter_core::pace::Rate;
use console::Alignment;
use console::{Term, measure_text_width, pad_str, truncate_str};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::frame::Frame;
use super::line::line;

/// The bar, with the details below it.
const TEMPLATE: &str =
    "{spinner:.cyan} {prefix:.bold} {wide_bar:.cyan/238} {human_pos}/{human_len}\n  {msg}";
/// Indentation of the second line, in columns.
const INDENT: usize = 2;

/// The style of all bars.
pub fn bar_style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸━")
}

/// The bars of all sites of the command.
pub struct Bars {
    /// Draws the bars, and must live as long as they do.
    all: MultiProgress,
    bars: Vec<ProgressBar>,
    names: Vec<String>,
}

impl Bars {
    /// A bar for each of the sites.
    pub fn new(names: Vec<String>) -> Self {
        let all = MultiProgress::new();
        let style = bar_style(TEMPLATE);
        let bar = |_| {
            let bar = all.add(ProgressBar::new(1));
            bar.set_style(style.clone());
            bar
        };
        let bars = names.iter().map(bar).collect();
        Bars { all, bars, names }
    }

    /// Shows how far a site is.
    pub fn draw(&self, number: usize, frame: &Frame, limit: Option<Rate>) {
        let columns = usize::from(Term::stderr().size().1);
        let bar = &self.bars[number];
        bar.set_length(frame.done + frame.waiting);
        bar.set_position(frame.done);
        bar.set_prefix(self.name(number, columns));
        let room = columns.saturating_sub(INDENT);
        bar.set_message(truncate_str(&line(frame, limit), room, "…").into_owned());
    }

    /// Says something above the bars.
    pub fn say(&self, text: &str) {
        self.all.suspend(|| eprintln!("{text}"));
    }

    /// The name of a site, padded to the widest name but at most a third of the terminal.
    fn name(&self, number: usize, columns: usize) -> String {
        let most = columns / 3;
        let widest = self.names.iter().map(|name| measure_text_width(name)).max();
        let width = widest.unwrap_or_default().min(most);
        let name = shortened(&self.names[number], width);
        pad_str(&name, width, Alignment::Left, None).into_owned()
    }

    /// Takes the bars away.
    pub fn clear(self) {
        for bar in self.bars {
            bar.finish_and_clear();
        }
        let _ = self.all.clear();
    }
}

/// Leaves out the middle of a name: it begins with the host and ends with what tells sites apart.
fn shortened(name: &str, width: usize) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= width {
        return name.to_owned();
    }
    let kept = width.saturating_sub(1);
    let (head, tail) = (kept.div_ceil(2), kept / 2);
    let letters = letters[..head]
        .iter()
        .chain(&['…'])
        .chain(&letters[letters.len() - tail..]);
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_ends() {
        for (width, expect) in [
            (26, "docs.example.org/3/library"),
            (13, "docs.e…ibrary"),
            (2, "d…"),
            (1, "…"),
        ] {
            assert_eq!(shortened("docs.example.org/3/library", width), expect);
        }
    }
}
