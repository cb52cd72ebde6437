//! Tables for a terminal.

use console::{Alignment, StyledObject, measure_text_width, pad_str, style};

use crate::summary::{Kept, Speed};

/// A table of speeds.
pub fn speeds(rows: &[Speed]) -> String {
    let head = [
        "",
        "pages",
        "wall s",
        "(range)",
        "pages/s",
        "CPU ms/page",
        "peak MB",
        "wall",
        "CPU",
        "memory",
        "",
    ];
    let lines = rows.iter().map(|row| {
        vec![
            style(&row.tool).bold().to_string(),
            row.pages.to_string(),
            format!("{:.2}", row.wall_s.median),
            style(format!("({:.2}-{:.2})", row.wall_s.least, row.wall_s.most))
                .dim()
                .to_string(),
            format!("{:.0}", row.pages_a_second),
            format!("{:.2}", row.cpu_ms_a_page),
            format!("{:.0}", row.peak_mb),
            times(row.wall_ratio).to_string(),
            times(row.cpu_ratio).to_string(),
            times(row.memory_ratio).to_string(),
            remark(row).red().to_string(),
        ]
    });
    aligned(&head, lines)
}

/// A table of paces.
pub fn kept(rows: &[Kept]) -> String {
    let head = ["", "asked/s", "most in 1 s", "delivered", "longest gap", ""];
    let lines = rows.iter().map(|row| {
        let delivered = row.delivered_percent;
        vec![
            style(&row.tool).bold().to_string(),
            row.rate.to_string(),
            row.most_in_a_second.to_string(),
            delivered.map_or("-".to_owned(), |percent| format!("{percent:.1} %")),
            format!("{:.0} ms", row.longest_gap_ms),
            style(if row.over { "over the rate" } else { "" })
                .red()
                .to_string(),
        ]
    });
    aligned(&head, lines)
}

fn times(ratio: f64) -> StyledObject<String> {
    let places = if ratio < 10.0 { 2 } else { 0 };
    let text = style(format!("{ratio:.places$}x"));
    match ratio {
        ratio if ratio < 0.95 => text.yellow(),
        ratio if ratio > 1.05 => text.green(),
        _ => text,
    }
}

fn remark(row: &Speed) -> StyledObject<String> {
    let mut remarks = Vec::new();
    if row.missed > 0 {
        remarks.push(format!("MISSES {} pages", row.missed));
    }
    if row.cut {
        remarks.push("CUT: took too long".to_owned());
    }
    style(remarks.join(", "))
}

/// Aligns names and remarks to the left, and numbers to the right.
fn aligned(head: &[&str], lines: impl Iterator<Item = Vec<String>>) -> String {
    let head = head.iter().map(|name| style(name).dim().to_string());
    let rows: Vec<Vec<String>> = std::iter::once(head.collect()).chain(lines).collect();
    let columns = rows[0].len();
    let width = |column: usize| {
        let widths = rows.iter().map(|row| measure_text_width(&row[column]));
        widths.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        for (column, cell) in row.iter().enumerate() {
            let alignment = if column == 0 || column == columns - 1 {
                Alignment::Left
            } else {
                Alignment::Right
            };
            text += &pad_str(cell, widths[column], alignment, None);
            text += "  ";
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [["a", "1", ""], ["long", "10", "!"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        let text = aligned(&["", "n", ""], rows.into_iter());
        let text = console::strip_ansi_codes(&text);
        assert_eq!(text, "       n\na      1\nlong  10  !\n");
    }
}
