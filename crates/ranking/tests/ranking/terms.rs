//! What an index holds of a page and what a query looks for.

use canter_core::document::Document;
use canter_core::inlinks::{AnchorText, Inlinks};
use canter_core::time::Moment;
use canter_page::{Page, Section};
use canter_ranking::plan::{Field, Plan, Saturation};
use canter_ranking::snippet::snippet;
use canter_ranking::terms::{MAX_SECTIONS, PageTerms, SectionTerms, names};
use canter_ranking::tokenizer::{Language, Tokenizer};

use crate::{plan, query};

fn page() -> PageTerms {
    let text = "Queues\nTasks wait.\nget_nowait()\nTakes the next.";
    let at = |part: &str| text.find(part).unwrap();
    let section = |title: &str, anchor: &str, level, range| Section {
        anchor: Some(anchor.into()),
        title: title.into(),
        level,
        range,
        names: Vec::new(),
    };
    let definition = at("get_nowait");
    let document = Document {
        site: "s".into(),
        url: "https://example.org/lib/my%20queue.html".parse().unwrap(),
        fetched_at: Moment(0),
        inlinks: Inlinks::default(),
        version: 1,
        page: Page {
            title: "Queues: an overview".into(),
            text: text.into(),
            sections: vec![
                section("Queues", "queues", 1, 0..definition),
                section(
                    "queue.get_nowait",
                    "queue.get_nowait",
                    7,
                    definition..text.len(),
                ),
            ],
            ..Page::default()
        },
    };
    PageTerms::of(&document, &mut Tokenizer::default())
}

#[test]
fn a_section_is_a_range_of_the_words_with_its_heading_and_its_marks() {
    let sections = page().sections;
    let shape = |number: usize| {
        let section: &SectionTerms = &sections[number];
        (section.start, section.heading, section.level)
    };
    assert_eq!(shape(0), (0, 1, 1));
    assert_eq!(sections[0].marks, "queue");
    // Its heading is no part of its text, so that it is among the marks.
    assert_eq!(shape(1), (3, 0, 7));
    let heading = "queue get nowait";
    assert_eq!(sections[1].marks, format!("{heading} {heading} {heading}"));
    assert_eq!(sections[1].names, ["getnowait", "queuegetnowait"]);
}

#[test]
fn a_page_holds_identifiers_whole_and_in_parts() {
    let page = page();
    assert_eq!(page.title, "queue overview");
    assert_eq!(page.text, "queue task wait get nowait take next");
    assert_eq!(page.identifiers, "get_nowait");
    assert_eq!(page.address, "lib my queue html");
    assert_eq!(
        page.names,
        ["an overview", "overview", "queues", "queues: an overview"]
    );
    assert_eq!(page.common, "() . : an the");
}

#[test]
fn text_outside_of_sections_counts_for_the_page() {
    let document = Document {
        site: "s".into(),
        url: "https://example.org/".parse().unwrap(),
        fetched_at: Moment(0),
        inlinks: Inlinks::default(),
        version: 1,
        page: Page {
            text: "before inside after".into(),
            sections: vec![Section {
                range: 7..13,
                ..Section::default()
            }],
            ..Page::default()
        },
    };
    let terms = PageTerms::of(&document, &mut Tokenizer::default());
    assert_eq!(terms.text, "befor insid after");
    assert_eq!(terms.sections[0].start, 1);
}

#[test]
fn question_words_are_left_out_of_queries() {
    let plan = plan("How do I read a CSV file?");
    assert_eq!(plan.terms(Field::Sections), ["read", "csv", "file"]);
    assert_eq!(plan.pairs, [["read", "csv"], ["csv", "file"]]);
    assert!(plan.terms(Field::Common).is_empty());
}

#[test]
fn a_sentence_is_a_question() {
    let is_question = |text: &str| plan(text).meaning.is_some();
    for text in [
        "how do i read a csv file",
        "file is not closed after reading",
        "why does 3 plus 4.0 give 7.0 here",
    ] {
        assert!(is_question(text), "{text}");
        let body = plan(text)
            .clauses
            .into_iter()
            .find(|it| it.field == Field::Body);
        assert_eq!(body.unwrap().saturation, Saturation::Late, "{text}");
        assert!(plan(text).numbers.is_empty(), "{text}");
    }
    for text in [
        "read the file",
        "csv reader writer dialect sniffer delimiter",
        "to be or not to be",
        "how what why can do",
        "1 2 3 4 5 6",
        "",
    ] {
        let asked = is_question(text) && !text.starts_with("how");
        assert!(!asked, "{text}");
    }
    let german = "wie lese ich eine Datei";
    assert!(!is_question("lese Datei Zeile Ende Anfang"));
    let languages = [Language::of_tag(Some("de"))];
    assert!(Plan::compile(&query(german), &languages).meaning.is_some());
}

#[test]
fn numbers_and_titles_are_looked_for_between_words() {
    let words = plan("pep 8 style guide");
    assert_eq!(words.numbers, ["8"]);
    assert_eq!(words.title_phrases, ["\u{2}pep 8 style guid"]);
    assert_eq!(words.own_name.as_deref(), Some("\u{1}pep 8 style guide"));
    for text in ["8", "utf8 v2 x86", "how do i turn 8 bits into one byte"] {
        assert!(plan(text).numbers.is_empty(), "{text}");
    }
    // Parts of an identifier are no phrase.
    assert!(plan("os.path.join").title_phrases.is_empty());
    assert!(plan("queue").title_phrases.is_empty());
    assert!(plan("one two three four five six").title_phrases.is_empty());
    assert_eq!(plan("read line by line").pairs, [["read", "line"]]);
    assert_eq!(plan("version 3.3.3").pairs[1], ["3", "3"]);
}

#[test]
fn a_page_is_called_by_its_titles() {
    let titles = page().titles;
    let expected = [
        "\u{1}an overview",
        "\u{1}overview",
        "\u{1}queues",
        "\u{1}queues: an overview",
        "\u{2}queue overview",
    ];
    assert_eq!(titles, expected);
}

#[test]
fn each_section_has_a_vector() {
    let page = page();
    assert_eq!(page.meanings.len(), page.sections.len());
    assert!(page.meanings.iter().all(|it| it.iter().any(|it| *it != 0)));
}

#[test]
fn a_query_of_question_words_keeps_them() {
    assert_eq!(plan("how do I").terms(Field::Sections), ["how", "do", "i"]);
}

#[test]
fn stop_words_and_signs_are_looked_for_when_there_is_nothing_else() {
    let plan = plan("to be += ?");
    assert!(plan.terms(Field::Sections).is_empty());
    assert_eq!(plan.terms(Field::Common), ["to", "be", "+=", "?"]);
}

#[test]
fn identifiers_are_looked_for_whole_too() {
    let plan = plan("os.path.join()");
    assert_eq!(plan.terms(Field::Sections), ["os", "path", "join"]);
    assert_eq!(
        plan.terms(Field::Body),
        ["os.path.join", "os", "path", "join"]
    );
    assert_eq!(plan.name.as_deref(), Some("ospathjoin"));
}

#[test]
fn a_pasted_text_is_cut() {
    let text: String = (0..200).map(|n| format!("w{n} ")).collect();
    assert_eq!(plan(&text).terms(Field::Sections).len(), 32);
}

macro_rules! snippets {
    ($($test:ident: $query:expr, $text:expr => $expected:expr;)*) => {
        $(#[test]
        fn $test() {
            let found = snippet($text, &plan($query), &mut Tokenizer::default());
            assert_eq!(found, $expected);
        })*
    };
}

snippets! {
    marks_words_of_one_stem: "run tests", "It runs the test." =>
        "It <mark>runs</mark> the <mark>test</mark>.";
    marks_an_identifier_as_one: "asyncio gather", "await asyncio.gather(x)" =>
        "await <mark>asyncio.gather</mark>(x)";
    marks_a_camel_case_word_whole: "equal", "use assertEqual here" =>
        "use <mark>assertEqual</mark> here";
    marks_a_part_of_snake_case: "task", "create_task" => "create_<mark>task</mark>";
    escapes_text: "x", "<script>alert('x')</script> & \"y\"" =>
        "&lt;script&gt;alert(&#39;<mark>x</mark>&#39;)&lt;/script&gt; &amp; &quot;y&quot;";
    escapes_inside_of_marks: "&&", "a && b" => "a <mark>&amp;&amp;</mark> b";
    folds_white_space: "b", " a\n\n\tb  c " => "a <mark>b</mark> c";
    marks_chinese: "数据库", "关系数据库管理" => "关系<mark>数据库</mark>管理";
    marks_accents: "cafe", "Das Café hier" => "Das <mark>Café</mark> hier";
    no_match_is_the_beginning: "zebra", "Some text." => "Some text.";
    empty_text: "zebra", "" => "";
    marks_stop_words_alone: "with", "go with it" => "go <mark>with</mark> it";
}

#[test]
fn a_snippet_shows_where_most_words_are() {
    let far = "word ".repeat(300);
    let text = format!("alpha {far} alpha and beta {far} beta");
    let found = snippet(&text, &plan("alpha beta"), &mut Tokenizer::default());
    assert!(
        found.contains("<mark>alpha</mark> and <mark>beta</mark>"),
        "{found}"
    );
    assert!(
        found.starts_with("… word") && found.ends_with("word …"),
        "{found}"
    );
    let plain = found.replace("<mark>", "").replace("</mark>", "");
    assert!((150..=210).contains(&plain.chars().count()), "{plain}");
}

#[test]
fn a_snippet_is_cut_between_characters() {
    for shift in 0..4 {
        let text = format!(
            "{}{}数据{}",
            "x".repeat(shift),
            "漢".repeat(9000),
            "字".repeat(900)
        );
        let found = snippet(&text, &plan("数据"), &mut Tokenizer::default());
        assert!(found.chars().count() < 250);
    }
}

#[test]
fn a_section_is_weighed_by_its_words_its_heading_those_above_it_and_its_marks() {
    let section = |start, heading, level, marks: &str| SectionTerms {
        start,
        heading,
        level,
        marks: marks.into(),
        ..SectionTerms::default()
    };
    let terms = PageTerms {
        text: "before intro one a two b three c".into(),
        sections: vec![
            section(1, 0, 0, ""),
            section(2, 1, 1, "id"),
            section(4, 1, 2, ""),
            section(6, 1, 1, "last"),
        ],
        ..PageTerms::default()
    };
    let weighed = [
        "intro",
        "one a one one id",
        "two b two two one",
        "three c three three last",
    ];
    assert_eq!(terms.weighed_sections(), weighed);
}

#[test]
fn the_last_of_too_many_sections_is_weighed_with_those_behind_it() {
    let section = |start| SectionTerms {
        start,
        marks: format!("m{start}"),
        ..SectionTerms::default()
    };
    let words: Vec<String> = (0..MAX_SECTIONS + 2).map(|n| format!("w{n}")).collect();
    let terms = PageTerms {
        text: words.join(" "),
        sections: (0..words.len()).map(section).collect(),
        ..PageTerms::default()
    };
    let weighed = terms.weighed_sections();
    assert_eq!(weighed.len(), MAX_SECTIONS);
    assert_eq!(weighed[7], "w7 m7");
    assert_eq!(weighed[4_999], "w4999 w5000 w5001 m4999 m5000 m5001");
}

#[test]
fn a_heading_is_also_called_without_its_number() {
    let names = |title| names(title, [].iter());
    assert_eq!(
        names("2.1. Sort orders"),
        ["21. sort orders", "sort orders"]
    );
    assert_eq!(names("3. Use"), ["3. use", "use"]);
    for heading in ["2 Sorts", "1.5", "v2.1 Sorts", "2.1"] {
        assert_eq!(names(heading).len(), 1, "{heading}");
    }
}

#[test]
fn a_title_is_also_called_by_its_parts_and_without_its_article() {
    let names = |title| names(title, [].iter());
    for (title, wanted) in [
        ("The WITH Clause", "with clause"),
        ("8.5. The with statement", "with statement"),
        ("The \"last_insert_rowid\" method", "lastinsertrowid method"),
        ("SQLite Syntax: type-name", "typename"),
        ("asyncio — Asynchronous I/O — Docs", "asyncio"),
        ("asyncio — Asynchronous I/O — Docs", "asynchronous io"),
        ("Getting started | Docs", "getting started"),
    ] {
        let names = names(title);
        assert!(names.iter().any(|name| name == wanted), "{names:?}");
    }
    for title in ["Theory of the rest", "An", "a-b"] {
        assert_eq!(names(title).len(), 1, "{title}");
    }
}

/// What its first heading is called, so is the page; links to it count for both.
#[test]
fn the_first_heading_stands_for_the_page_where_it_is_its_title() {
    for (title, heading, page, section) in [
        ("Queues — Docs", "Queues", None, Some(1)),
        ("Queues", "1. Overview", Some(1), Some(0)),
        ("", "Queues", None, Some(0)),
    ] {
        let text = format!("{heading}\nWait.");
        let anchor = AnchorText {
            fragment: None,
            around: "see there".into(),
            link: 4..9,
        };
        let document = Document {
            site: "s".into(),
            url: "https://example.org/q".parse().unwrap(),
            fetched_at: Moment(0),
            inlinks: Inlinks {
                link_score: 1.0,
                anchor_texts: vec![anchor],
            },
            version: 1,
            page: Page {
                title: title.into(),
                sections: vec![Section {
                    anchor: Some("first".into()),
                    title: heading.into(),
                    level: 1,
                    range: 0..text.len(),
                    names: Vec::new(),
                }],
                text,
                ..Page::default()
            },
        };
        let terms = PageTerms::of(&document, &mut Tokenizer::default());
        assert_eq!(
            (terms.known, terms.sections[0].known),
            (page, section),
            "{title}"
        );
    }
}

#[test]
fn a_name_is_also_called_by_each_of_its_ends() {
    let ids = ["std::vec::Vec".to_owned(), "os.path.join".to_owned()];
    assert_eq!(
        names("Title", ids.iter()),
        [
            "join",
            "ospathjoin",
            "pathjoin",
            "stdvecvec",
            "title",
            "vec",
            "vecvec"
        ]
    );
}
