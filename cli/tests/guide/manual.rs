//! What the program says of its own options.

use std::collections::HashMap;
use std::process::Command;

use canter_tests::canter::Started;

/// `canter COMMAND --help`, by command.
#[derive(Default)]
pub(crate) struct Manual {
    pages: HashMap<String, String>,
}

impl Manual {
    /// Asserts that each command of canter in a line exists, and each of its options.
    pub(crate) fn look_up(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        for (at, _) in words
            .iter()
            .enumerate()
            .filter(|(_, word)| **word == "canter")
        {
            let rest = words[at + 1..].iter();
            let mut rest = rest.take_while(|word| !["|", "||", "&&", ";", ">"].contains(*word));
            // It may be a name: of an image, of a stack.
            let is_word = |word: &&&str| word.chars().all(|letter| letter.is_ascii_lowercase());
            let Some(command) = rest.next().filter(is_word) else {
                continue;
            };
            let page = self.page(command);
            for option in rest.filter(|word| word.starts_with("--")) {
                let option = option.split('=').next().unwrap();
                let mut known = page.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
                assert!(known.any(|word| word == option), "{option} in {line}");
            }
        }
    }

    fn page(&mut self, command: &str) -> &str {
        self.pages.entry(command.to_owned()).or_insert_with(|| {
            let mut program = Command::new(env!("CARGO_BIN_EXE_canter"));
            program.args([command, "--help"]);
            Started::spawn(program).end().done().stdout
        })
    }
}
