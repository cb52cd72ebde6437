//! Mistakes of users and failures of machines: one clear sentence, and the right status.

use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use canter_tests::canter::Started;
use canter_tests::tls::Authority;
use canter_tests::{Answer, Site, canter};

use crate::side_by_side;

/// Runs `canter crawl` with these arguments, which must fail with this status and these words.
#[track_caller]
fn fails(args: &[&str], status: i32, words: &[&str]) {
    let args = [&["crawl"], args].concat();
    canter!().run(&args).fails(status, words);
}

#[test]
fn seeds_that_are_no_urls_of_the_web() {
    fails(&["ftp://example.org/"], 2, &["ftp"]);
    fails(&["file:///etc/passwd"], 2, &["file"]);
    fails(&["example.org"], 2, &["https://example.org"]);
    fails(&["localhost:8000/x"], 2, &["http"]);
    fails(&["http://"], 2, &["http://"]);
    fails(&["http://[::1"], 2, &["[::1"]);
    fails(&[""], 2, &[]);
    fails(&["https://me:secret@example.org/"], 2, &["--header"]);
    fails(&["https://example.org/", "--include", "[x"], 2, &["[x"]);
    fails(
        &["https://example.org/", "--exclude", "https://example.org/x"],
        2,
        &["path"],
    );
}

#[test]
fn options_that_are_wrong() {
    for args in [
        &["--rps", "0"],
        &["--rps", "ten"],
        &["--concurrency", "0"],
        &["--max-time", "1y"],
        &["--header", "nocolon"],
    ] {
        let ended = canter!().run(&[&["crawl", "https://example.org/"], args.as_slice()].concat());
        assert_eq!(ended.status, Some(2), "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(args[0]), "{}", ended.stderr);
    }
}

#[test]
fn a_host_that_does_not_exist() {
    fails(
        &["http://no-such-host.invalid/", "--rps", "100"],
        1,
        &["no-such-host.invalid"],
    );
}

#[test]
fn a_refused_connection() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{port}/");
    fails(&[&url, "--allow-private", "--rps", "100"], 1, &["refused"]);
}

#[test]
fn a_private_address_that_is_not_allowed() {
    let site = Site::web(3).start();
    let port = site.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "0.0.0.0",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0x7f.1",
        "10.0.0.1",
        "169.254.169.254",
    ] {
        fails(
            &[&format!("http://{host}:{port}/")],
            1,
            &["--allow-private"],
        );
    }
    assert!(site.log().all().is_empty());
    assert_eq!(site.log().accepted(), 0, "nothing was even dialled");
}

#[test]
fn allow_private_is_for_the_seeds_own_port_only() {
    let other = Site::new().page("/", []).robots("").start();
    let site = Site::new()
        .page("/", ["/a"])
        .page("/a", [])
        .redirect("/robots.txt", &other.url("/robots.txt"))
        .start();
    let ended = canter!().crawl(&site.url("/"), &[]);
    assert_eq!(other.log().accepted(), 0);
    assert_eq!(ended.status, Some(1), "{}", ended.stdout);
}

#[test]
fn a_certificate_that_is_not_trusted() {
    let untrusted = Site::web(3).tls(&Authority::new(), Duration::ZERO).start();
    let plain = Site::web(3).start();
    let rows = [
        (untrusted.url("/"), "certificate"),
        (plain.url("/").replace("http:", "https:"), "tls"),
    ];
    side_by_side(rows, |(url, word)| {
        canter!().crawl(&url, &[]).fails(1, &[word])
    });
}

#[test]
fn a_seed_without_a_page() {
    for (answer, words) in [
        (Answer::status(404), "404"),
        (Answer::status(403), "403"),
        (Answer::text("x"), "HTML"),
        (Answer::redirect("/"), "redirects"),
        (Answer::redirect("https://example.org/"), "site"),
    ] {
        let site = Site::new().answer("/", answer).start();
        canter!().crawl(&site.url("/"), &[]).fails(1, &[words]);
    }
    let site = Site::new()
        .page("/", [])
        .robots("User-agent: *\nDisallow: /")
        .start();
    canter!()
        .crawl(&site.url("/"), &[])
        .fails(1, &["robots.txt"]);
    let site = Site::new()
        .redirect("/", "/a")
        .redirect("/a", "/b")
        .redirect("/b", "/")
        .start();
    canter!()
        .crawl(&site.url("/"), &[])
        .fails(1, &["redirects"]);
}

#[test]
fn a_folder_that_is_someone_elses() {
    let site = Site::web(1).start();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
    let canter = canter!().at(folder.path());
    canter
        .crawl(&site.url("/"), &[])
        .fails(1, &["is not canter's", "--data"]);
    canter.run(&["search", "x"]).fails(1, &["is not canter's"]);
    let names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["thesis.txt"]);
    assert!(site.log().all().is_empty());
}

#[test]
fn a_folder_that_cannot_be() {
    let site = Site::web(1).start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below")] {
        canter!()
            .at(&path)
            .crawl(&site.url("/"), &[])
            .fails(1, &[&*path.to_string_lossy()]);
    }
    canter!()
        .run(&["search", "x"])
        .fails(1, &["crawl a site first"]);
    canter!()
        .run(&["export", "x"])
        .fails(1, &["crawl a site first"]);
    canter!()
        .run(&["serve", "--listen", "127.0.0.1:0"])
        .fails(1, &["crawl a site first"]);
}

#[test]
fn a_folder_of_another_format() {
    let site = Site::web(1).start();
    let canter = canter!();
    canter.crawl(&site.url("/"), &[]).done();
    fs::write(canter.data().join("canter-data"), "0\n").unwrap();
    canter.crawl(&site.url("/"), &[]).fails(1, &["format 0"]);
    canter.run(&["search", "x"]).fails(1, &["format 0"]);
}

#[test]
fn a_folder_whose_making_was_cut_off() {
    let site = Site::web(1).start();
    let canter = canter!();
    fs::create_dir(canter.data()).unwrap();
    fs::write(canter.data().join("canter-data"), "").unwrap();
    canter.crawl(&site.url("/"), &[]).done();
}

#[test]
fn a_state_that_is_damaged() {
    let site = Site::web(1).start();
    let canter = canter!();
    canter.crawl(&site.url("/"), &[]).done();
    fs::write(canter.data().join("state.sqlite"), "garbage ".repeat(4096)).unwrap();
    // SQLite would repair the file from its log.
    let _ = fs::remove_file(canter.data().join("state.sqlite-wal"));
    canter.crawl(&site.url("/"), &[]).fails(1, &["damaged"]);
}

#[test]
fn an_index_that_is_damaged() {
    let site = Site::web(1).start();
    let canter = canter!();
    canter.crawl(&site.url("/"), &[]).done();
    for entry in fs::read_dir(canter.data().join("index")).unwrap() {
        fs::write(entry.unwrap().path(), "garbage").unwrap();
    }
    canter
        .run(&["search", "text"])
        .fails(1, &["index", "canter reindex t"]);
    let ended = canter.crawl(&site.url("/"), &[]).done();
    assert!(ended.stderr.contains("lost pages of t"), "{}", ended.stderr);
    let found = canter.run(&["search", "text"]).done().stdout;
    assert!(found.contains(&site.url("/")), "{found}");
}

#[test]
fn a_folder_in_use_by_another_crawl() {
    let site = Site::web(50).latency(Duration::from_millis(100)).start();
    let canter = canter!();
    let first = canter.start_crawl(&site.url("/"), &["--rps", "10"]);
    first.says("progress");
    canter
        .crawl(&site.url("/"), &[])
        .fails(1, &["another crawl"]);
    first.signal("KILL");
    assert_eq!(first.end().status, None);
    canter
        .crawl(&site.url("/"), &[])
        .done()
        .counts(&[("pages", 51)]);
}

#[test]
fn a_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let site = Site::web(1).start();
    let canter = canter!();
    canter
        .crawl(&site.url("/"), &["--serve", &address])
        .fails(1, &[&address]);
    canter.crawl(&site.url("/"), &[]).done();
    canter
        .run(&["serve", "--listen", &address])
        .fails(1, &[&address]);
}

/// Crawls in a mount namespace with a file system of half a megabyte, which is enlarged for the
/// second run. Needs Linux and the right to create namespaces, and says so where it is missing.
#[test]
fn a_full_disk_loses_nothing() {
    let site = Site::web(400).otherwise(|_| Answer::status(404)).start();
    let canter = canter!();
    let disk = tempfile::tempdir().unwrap();
    let data = disk.path().join("data");
    let (program, data, disk) = (
        canter.program().display(),
        data.display(),
        disk.path().display(),
    );
    let crawl = format!(
        "{program} crawl {} --allow-private --json --site t --rps unlimited --data {data}",
        site.url("/")
    );
    let script = format!(
        "mount -t tmpfs -o size=SIZE canter {disk} || exit 77
         {crawl}; echo \"first $?\" >&2
         {program} search text --data {data} >/dev/null; echo \"search $?\" >&2
         mount -o remount,size=200m {disk}
         exec {crawl}"
    );
    for size in ["0k", "4k", "64k", "300k", "1m"] {
        let mut command = Command::new("unshare");
        let script = script.replace("SIZE", if size == "0k" { "4k,nr_inodes=2" } else { size });
        let remount = script.replace("remount,size=200m", "remount,size=200m,nr_inodes=10000");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &remount]);
        let ended = Started::spawn(command).end();
        if ended.status == Some(77) || ended.stderr.contains("unshare failed") {
            eprintln!("no right to mount a small file system: not tested");
            return;
        }
        assert!(ended.stderr.contains("first 1"), "{size}: {}", ended.stderr);
        let errors: Vec<&str> = ended
            .stderr
            .lines()
            .filter(|line| line.starts_with("error:"))
            .collect();
        assert!(
            errors[0].contains("disk is full") || errors[0].contains("No space left"),
            "{size}: {}",
            ended.stderr
        );
        assert!(
            !ended.stderr.contains("panicked"),
            "{size}: {}",
            ended.stderr
        );
        ended.done().counts(&[("pages", 401), ("failed", 0)]);
    }
}
