//! The search under attack: other names, slow clients, many clients, clients that never leave.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use canter_tests::{Canter, Site, Started, canter};

/// A service over a small site, and its address.
fn serving(args: &[&str]) -> (Canter, Started, String) {
    let site = Site::web(20).start();
    let canter = canter!();
    canter.crawl(&site.url("/"), &[]).done();
    let serve = canter.start(&[&["serve", "--listen", "127.0.0.1:0"], args].concat());
    let address = address(&serve);
    (canter, serve, address)
}

fn address(serve: &Started) -> String {
    let line = serve.says("Search at http://");
    let (_, rest) = line.split_once("http://").unwrap();
    rest.split_once('/').unwrap().0.to_owned()
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    let patience = Some(Duration::from_secs(30));
    stream.set_read_timeout(patience).unwrap();
    stream
}

/// The answer to a request with these headers, whole.
fn ask(address: &str, path: &str, headers: &[&str]) -> String {
    let mut stream = connect(address);
    let headers: String = headers.iter().map(|it| format!("{it}\r\n")).collect();
    let request = format!("GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or_default()
}

const SEARCH: &str = "/api/v1/search?q=text";

/// Asserts that a client with good manners gets its answer.
#[track_caller]
fn answers(address: &str) {
    let began = Instant::now();
    let answer = ask(address, SEARCH, &["Host: localhost"]);
    assert_eq!(status(&answer), "200", "{answer}");
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "after {took:?}");
}

#[test]
fn another_name_for_this_machine_is_refused() {
    let (_canter, _serve, address) = serving(&[]);
    for (headers, expected) in [
        (vec!["Host: localhost:80"], "200"),
        (vec!["Host: 127.0.0.1"], "200"),
        (vec!["Host: [::1]:8080"], "200"),
        (vec!["Host: rebound.example.org"], "421"),
        (vec!["Host: 10.0.0.1"], "421"),
        (vec![], "200"),
        (vec!["Host: localhost", "Host: rebound.example.org"], "421"),
    ] {
        for path in [SEARCH, "/", "/api/v1/status", "/nothing"] {
            let answer = ask(&address, path, &headers);
            let expected = if path == "/nothing" && expected == "200" {
                "404"
            } else {
                expected
            };
            assert_eq!(status(&answer), expected, "{headers:?} {path}: {answer}");
        }
    }
    let absolute = format!("http://rebound.example.org{SEARCH}");
    let answer = ask(&address, &absolute, &["Host: localhost"]);
    assert_eq!(status(&answer), "421", "{answer}");
    assert!(answer.contains("--origin"), "{answer}");
}

#[test]
fn only_named_sites_may_ask_from_a_browser() {
    let allowed = |address: &str, origin: &str| {
        let origin = format!("Origin: {origin}");
        let answer = ask(address, SEARCH, &["Host: localhost", &origin]);
        assert_eq!(status(&answer), "200");
        answer
            .to_ascii_lowercase()
            .contains("access-control-allow-origin")
    };
    let (_canter, _serve, address) = serving(&[]);
    assert!(!allowed(&address, "https://docs.example.org"));
    let (_canter, _serve, address) = serving(&["--origin", "https://docs.example.org"]);
    assert!(allowed(&address, "https://docs.example.org"));
    assert!(!allowed(&address, "https://other.example.org"));
    let answer = ask(&address, SEARCH, &["Host: docs.example.org"]);
    assert_eq!(status(&answer), "200", "the name that a proxy passes on");
    // A crawl that serves does as `serve` does.
    let site = Site::web(3).start();
    let canter = canter!();
    let url = site.url("/");
    let crawl = ["crawl", &url, "--allow-private", "--rps", "unlimited"];
    let serve = [
        "--serve=127.0.0.1:0",
        "--origin",
        "https://docs.example.org",
    ];
    let crawl = canter.start(&[&crawl[..], &serve[..]].concat());
    let at = self::address(&crawl);
    assert!(allowed(&at, "https://docs.example.org"));
    assert!(!allowed(&at, "https://other.example.org"));
    assert_eq!(status(&ask(&at, SEARCH, &["Host: evil.org"])), "421");
}

#[test]
fn half_a_head_is_not_waited_for() {
    let (_canter, _serve, address) = serving(&[]);
    let began = Instant::now();
    let mut halves: Vec<TcpStream> = (0..300).map(|_| connect(&address)).collect();
    for half in &mut halves {
        half.write_all(b"GET / HTTP/1.1\r\nHost: local").unwrap();
    }
    answers(&address);
    for mut half in halves {
        // The end, or an answer that says so and the end.
        let mut rest = Vec::new();
        match half.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(25), "{took:?}");
}

#[test]
fn a_thousand_busy_clients_share_the_cores() {
    let (_canter, serve, address) = serving(&[]);
    let request = format!("GET {SEARCH} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut clients: Vec<TcpStream> = (0..1_000).map(|_| connect(&address)).collect();
    let mut most = 0;
    let mut counts = [0; 2];
    for _ in 0..3 {
        for client in &mut clients {
            client.write_all(request.as_bytes()).unwrap();
        }
        most = most.max(threads(&serve));
        for client in &mut clients {
            let mut head = [0; 4096];
            let length = client.read(&mut head).unwrap();
            let answer = String::from_utf8_lossy(&head[..length]).into_owned();
            match status(&answer) {
                "200" => counts[0] += 1,
                "503" => {
                    counts[1] += 1;
                    assert!(
                        answer.to_ascii_lowercase().contains("retry-after"),
                        "{answer}"
                    );
                }
                _ => panic!("{answer}"),
            }
        }
    }
    assert!(counts[0] > 0, "{counts:?}");
    assert!(most < 40, "{most} threads");
    answers(&address);
}

/// A search goes on when its client has left, and counts as long.
#[test]
fn clients_that_leave_share_the_cores_as_well() {
    let (_canter, serve, address) = serving(&[]);
    let request = format!("GET {SEARCH} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut most = 0;
    for _ in 0..1_500 {
        let mut client = connect(&address);
        client.write_all(request.as_bytes()).unwrap();
        most = most.max(threads(&serve));
    }
    assert!(most < 40, "{most} threads");
    answers(&address);
}

/// Number of threads of a process.
fn threads(of: &Started) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", of.id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Threads:"));
    line.unwrap().trim().parse().unwrap()
}

/// More connections than there may be: those that have waited longest make room.
#[test]
fn clients_that_only_hold_on_make_room() {
    let (_canter, _serve, address) = serving(&[]);
    let mut held = Vec::new();
    for _ in 0..2_500 {
        match TcpStream::connect(&address) {
            Ok(stream) => held.push(stream),
            // This process may have no more files.
            Err(_) => break,
        }
        if held.len() % 500 == 0 {
            held.truncate(held.len() - 5);
            answers(&address);
        }
    }
    held.truncate(held.len() - 20);
    answers(&address);
}

/// Clients with half a request, and clients that do not read their answers.
#[test]
fn a_signal_ends_it_whatever_clients_do() {
    for second in [false, true] {
        let (_canter, serve, address) = serving(&[]);
        let mut held: Vec<TcpStream> = (0..20).map(|_| connect(&address)).collect();
        for (number, stream) in held.iter_mut().enumerate() {
            let many = format!("GET {SEARCH} HTTP/1.1\r\nHost: localhost\r\n\r\n").repeat(3_000);
            let what = if number % 2 == 0 { "GET / HT" } else { &many };
            stream
                .set_write_timeout(Some(Duration::from_millis(300)))
                .unwrap();
            // Who does not read cannot write for ever.
            let _ = stream.write_all(what.as_bytes());
        }
        let began = Instant::now();
        serve.signal("TERM");
        if second {
            std::thread::sleep(Duration::from_millis(700));
            serve.signal("TERM");
        }
        let ended = serve.end();
        let took = began.elapsed();
        assert!(
            took < Duration::from_secs(if second { 2 } else { 5 }),
            "{took:?}"
        );
        assert_eq!(
            ended.status,
            Some(if second { 130 } else { 0 }),
            "{}",
            ended.stderr
        );
    }
}
