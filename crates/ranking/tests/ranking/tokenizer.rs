//! What texts are cut into, row by row.

use canter_ranking::tokenizer::{TokenKind, Tokenizer, name};

/// The tokens of a text: words bare, `{whole}`, `(part)`, `-stop-`, `'single'`, `<signs>`.
fn tokens(text: &str) -> String {
    let mut tokens = Vec::new();
    Tokenizer::default().tokenize(text, |token| {
        assert!(
            text.get(token.range.clone()).is_some(),
            "{token:?} lies across a character"
        );
        let term = token.term;
        tokens.push(match token.kind {
            TokenKind::Word => term.to_owned(),
            TokenKind::Whole => format!("{{{term}}}"),
            TokenKind::Part => format!("({term})"),
            TokenKind::Stop => format!("-{term}-"),
            TokenKind::Single => format!("'{term}'"),
            TokenKind::Signs => format!("<{term}>"),
        });
    });
    tokens.join(" ")
}

macro_rules! rows {
    ($($test:ident: $text:expr => $expected:expr;)*) => {
        $(#[test]
        fn $test() {
            assert_eq!(tokens($text), $expected);
        })*
    };
}

rows! {
    nothing: "" => "";
    stems: "Running quickly, generously" => "run quick <,> generous";
    stop_words: "the with statement" => "-the- -with- statement";
    dotted_name: "asyncio.gather" => "{asyncio.gather} asyncio gather";
    end_of_sentence: "call gather. Then" => "call gather <.> -then-";
    snake_case: "create_task" => "{create_task} creat task";
    dunder: "__init__" => "{__init__} init";
    path_of_rust: "std::vec::Vec" => "{std::vec::vec} std vec vec";
    label_with_colon: "note: that" => "note <:> -that-";
    signs_of_a_name: "C++, C# (and F#)" => "{c++} c <,> {c#} c <(> -and- {f#} f <)>";
    signs_between_words: "a+++b c#d" => "-a- <+++> b c <#> d";
    camel_case: "assertEqual" => "assertequ (assert) (equal)";
    acronym_in_camel_case: "HTTPServer" => "httpserver (http) (server)";
    short_word_in_camel_case: "isAlive" => "isal (aliv)";
    version_number: "Python 3.11" => "python {3.11} 3 11";
    contraction: "don't Python's" => "don <'> python <'>";
    accents: "Café résumé NAÏVE" => "cafe resum naiv";
    decomposed_accents: "Cafe\u{301}" => "cafe";
    german: "Straße Häuser" => "strass hauser";
    polish_and_danish: "Łódź smørrebrød" => "lodz smorrebrod";
    full_width: "Ｐｙｔｈｏｎ" => "python";
    russian_is_stemmed_and_keeps_its_accents: "Йод ёлки файлов" => "йод елк файл";
    stress_in_russian: "за\u{301}мок замо\u{301}к йо\u{301}д" => "замок замок йод";
    letters_with_marks_stay: "їжа ўсё ќе ѓон" => "їжа ўсе ќе ѓон";
    points_of_hebrew: "שָׁלוֹם שלום" => "שלום שלום";
    vowels_of_arabic: "كِتَاب كتاب كتـــاب" => "كتاب كتاب كتاب";
    nukta_of_hindi: "ज़मीन \u{95B}मीन जमीन" => "जमीन जमीन जमीन";
    signs_of_hindi_stay: "हिन्दी" => "हिन्दी";
    breathings_of_greek: "ἄνθρωπος άνθρωπος" => "ανθρωπ ανθρωπ";
    variants_of_a_sign: "葛\u{E0100}飾" => "'葛' 葛飾 '飾'";
    soft_hyphens: "docu\u{AD}men\u{AD}tation" => "document";
    places_for_line_breaks: "create\u{200B}_task java.\u{200B}util a\u{2060}b" => "{create_task} creat task {java.util} java util ab";
    soft_hyphens_between_signs: "\u{AD} \u{200B}x\u{200B}" => "x";
    places_for_line_breaks_in_thai: "ที่\u{200B}นี่" => "'ท' ที 'ี' ี่ '่' ่น 'น' นี 'ี' ี่ '่'";
    greek_upper_case: "ΌΡΟΣ" => "ορ";
    chinese: "数据库" => "'数' 数据 '据' 据库 '库'";
    one_character: "数" => "数";
    chinese_beside_latin: "用Python写" => "{用python写} 用 python 写";
    japanese: "検索する" => "'検' 検索 '索' 索す 'す' する 'る'";
    thai_marks_stay: "ที่" => "'ท' ที 'ี' ี่ '่'";
    operators: "a += b -> c" => "-a- <+=> b <->> c";
    question_mark: "?" => "<?>";
    ornament: "==========" => "";
    emoji: "🎉 party" => "<🎉> parti";
    lone_underscores: "___" => "<___>";
    joint_at_end: "os.path." => "{os.path} os path <.>";
}

#[test]
fn blobs_are_left_out() {
    assert_eq!(tokens(&"x9".repeat(500)), "");
    assert_eq!(tokens(&format!("{}.a_b", "x9".repeat(500))), "-a- b");
}

#[test]
fn a_term_holds_no_space() {
    // U+FDFA resolves to several words.
    assert!(!tokens("\u{FDFA}").contains(' '));
}

macro_rules! names {
    ($($test:ident: $text:expr => $expected:expr;)*) => {
        $(#[test]
        fn $test() {
            assert_eq!(name($text).as_deref(), $expected);
        })*
    };
}

names! {
    name_of_a_call: " asyncio.gather() " => Some("asynciogather");
    name_of_a_subject: "Foreign Keys" => Some("foreign keys");
    name_in_snake_case: "create_task" => Some("createtask");
    name_in_camel_case: "createTask()" => Some("createtask");
    name_of_a_path: "std::vec::Vec::push" => Some("stdvecvecpush");
    name_between_underscores: "__init__" => Some("__init__");
    name_with_signs: "C++" => Some("c++");
    name_with_a_sharp: "C#" => Some("c#");
    name_with_a_sign_for_links: "Strings#" => Some("strings");
    name_of_a_heading: "Built-in   Functions¶" => Some("builtin functions");
    name_of_an_operator: "->" => Some("->");
    name_of_an_option: "--best" => Some("--best");
    name_without_accents: "Résumé" => Some("resume");
    name_with_a_soft_hyphen: "for\u{AD}eign\u{200B}_key" => Some("foreignkey");
    name_of_nothing: " () " => None;
}

#[test]
fn a_name_that_nobody_types() {
    assert_eq!(name(&"long ".repeat(100)), None);
}
