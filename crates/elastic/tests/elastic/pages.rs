//! Made-up pages.

use canter_core::document::Document;
use canter_page::Section;
use canter_tests::contract::index::page;

const WORDS: [&str; 24] = [
    "river",
    "bridge",
    "ferry",
    "lamp",
    "lantern",
    "harbour",
    "the",
    "and",
    "is",
    "it",
    "crossing",
    "timetable",
    "keeper",
    "gates",
    "water",
    "stone",
    "ropes",
    "boats",
    "cargo",
    "wind",
    "tide",
    "bells",
    "fog",
    "signals",
];

/// Some dozens of pages of many kinds, the same at each call.
pub(crate) fn all() -> Vec<Document> {
    let mut chance = fastrand::Rng::with_seed(5);
    let mut pages: Vec<Document> = (0..40)
        .map(|number| {
            let mut text = String::new();
            for section in 0..chance.usize(0..9) {
                let level = "#".repeat(chance.usize(1..4));
                let bare = if chance.u8(0..4) == 0 { "!" } else { "" };
                let heading = [chance.choice(WORDS).unwrap(), chance.choice(WORDS).unwrap()];
                text += &format!("{level}{bare} {} {section}\n", heading.join(" "));
                for _ in 0..chance.usize(0..60) {
                    text += chance.choice(WORDS).unwrap();
                    text += if chance.u8(0..9) == 0 { ".\n" } else { " " };
                }
                text += "\n";
            }
            let word = chance.choice(WORDS).unwrap();
            let folder = if number % 3 == 0 {
                "guide"
            } else {
                "reference"
            };
            let url = format!("/{folder}/{word}-{number}.html");
            let mut page = page(&url, &format!("Page {number} {word}"), &text);
            page.page.language = [
                None,
                Some("pt"),
                Some("pt-br"),
                Some("en"),
                Some("zh-Hant-TW"),
            ][number % 5]
                .map(Into::into);
            if number % 7 == 0 {
                page.site = "example.org/other".into();
            }
            page
        })
        .collect();
    // Equal but for their addresses, which are equally long: only their ids tell them apart.
    pages.extend((0..30).map(|number| {
        let text = "# Beacon\nA beacon burns there.\n# Other\nAnd a beacon here.\n";
        page(&format!("/{number}"), "Beacons", text)
    }));
    let mut defined = page(
        "/api/harbour.html",
        "harbour — Boats and where they lie",
        "Intro about boats.\n# Classes\nAll of them.\n## harbour.Ferry\nA ferry.\n\
         ### cross_over\nharbour.Ferry.cross_over() goes; see parse_timetable and crossOver.\n\
         # Locks\nThe keeper.\n## Gates\nTwo gates.\n# Gates\nOther gates.\n",
    );
    defined.page.sections[3].names = vec!["harbour.Ferry.cross_over".into(), "moorings".into()];
    pages.push(defined);
    // The section that bears the name holds it less often than the other.
    let mut named = page(
        "/hours",
        "Hours",
        "# Evening\nLamps are lit, and boats come home over the water.\n# Early\ndawn dawn dawn\n",
    );
    named.page.sections[0].names = vec!["dawn".into()];
    pages.push(named);
    pages.push(page(
        "/signs",
        "Signs",
        "# The += operator\nIt adds. What is it? a->b and -> c\n",
    ));
    pages.push(page(
        "/zh",
        "数据库",
        "# 关系数据库\n关系数据库管理系统 据 and データベース\n# 表\n数据\n",
    ));
    pages.push(page(
        "/cafe",
        "Café",
        "# Straße\nA café in the Straße, ｃａｆｅ again.\n",
    ));
    pages
}

/// Pages of odd shapes: without anything, huge, with too many sections, with ranges that lie.
pub(crate) fn odd() -> Vec<Document> {
    let mut bare = page("/bare-zebra", "", "");
    bare.page.sections.clear();
    let mut lying = page("/lying", "Lying", "zebra é striped");
    lying.page.sections = vec![
        Section {
            anchor: Some("x".into()),
            title: "zebra".into(),
            range: 6..7,
            ..Section::default()
        },
        Section {
            anchor: Some("y".into()),
            title: "zebra".into(),
            range: 90..99,
            ..Section::default()
        },
    ];
    let many: String = (0..6_000)
        .map(|n| format!("## Section {n}\nzebra {n}\n"))
        .collect();
    let many = format!("# Many\n{many}# Last\nquagga\n");
    let long = "zebra ".repeat(2_000_000);
    let one_word = format!("zebra {} giraffe", "x".repeat(100_000));
    let mut named = page("/named", "Named", "# Names\nstriped zebra section\n");
    named.page.sections[0].names = vec!["n".repeat(70_000), "é".repeat(40_000)];
    named.page.sections[0].anchor = Some("a".repeat(70_000));
    named.page.language = Some("x".repeat(70_000));
    let heading = format!("# {}\nzebra\n## Below\nstriped\n", "stripes ".repeat(3_000));
    vec![
        bare,
        lying,
        page("/many", "Many", &many),
        page("/long", "Long", &long),
        page("/one-word", "One", &one_word),
        named,
        page("/heading", "Heading", &heading),
    ]
}
