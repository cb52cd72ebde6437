//! What the command line says about itself: version, completions, man pages.

use std::process::Command;

use canter_embedded::folder::FORMAT;
use canter_tantivy::LAYOUT;
use canter_tests::Ended;
use canter_tests::canter::Started;

fn run(args: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_canter"));
    command.args(args);
    Started::spawn(command).end()
}

#[test]
fn the_version_names_what_a_data_folder_is_made_of() {
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!("canter {version} (data format {FORMAT}, index {LAYOUT})\n");
    for option in ["-V", "--version"] {
        assert_eq!(run(&[option]).done().stdout, expected);
    }
}

#[test]
fn every_shell_completes_the_options_of_commands() {
    for (shell, own) in [
        ("bash", "complete -F _canter"),
        ("elvish", "edit:completion"),
        ("fish", "complete -c canter"),
        ("powershell", "Register-ArgumentCompleter"),
        ("zsh", "#compdef canter"),
    ] {
        let script = run(&["completions", shell]).done().stdout;
        for word in [own, "crawl", "max-pages"] {
            assert!(script.contains(word), "{word} for {shell}");
        }
    }
    run(&["completions", "dish"]).fails(2, &["dish", "SHELL"]);
}

#[test]
fn each_command_has_a_page() {
    let whole = run(&["man"]).done().stdout;
    assert!(whole.contains("canter\\-crawl(1)"), "{whole}");
    let page = run(&["man", "crawl"]).done().stdout;
    assert!(page.contains(".TH canter-crawl 1 "), "{page}");
    assert!(page.contains("max\\-pages"), "{page}");
    run(&["man", "gallop"]).fails(2, &["gallop", "crawl"]);

    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("share/man/man1");
    run(&["man", "--dir", dir.to_str().unwrap()]).done();
    let written = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap();
    assert_eq!(written("canter.1"), whole);
    assert_eq!(written("canter-crawl.1"), page);
}
