//! Stacks that do not exist, are not canter's, or may not be looked up.

use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use canter_tests::Stack;
use canter_tests::canter::Started;
use serde_json::json;

use super::cloudformation;
use super::deployed::{Deployed, canter, canter_at, canter_without_credentials, new_name};

const SITE: &str = "https://docs.example.org/";

fn run(mut command: Command, stack: &str) -> canter_tests::Ended {
    command.args(["--aws", stack]);
    Started::spawn(command).end()
}

#[test]
#[ignore = "needs the servers of make test"]
fn a_stack_that_is_not_there_is_told_with_where_it_was_looked_for() {
    for args in [&["crawl", SITE][..], &["status"], &["stop", "x"]] {
        let words = [
            "no stack steer-none",
            "region us-east-1",
            "http://127.0.0.1:",
            "sam deploy",
        ];
        run(canter(args), "steer-none").fails(1, &words);
    }
}

/// Region, credentials and endpoint come from the files that every AWS tool reads.
#[test]
#[ignore = "needs the servers of make test"]
fn the_name_of_a_stack_is_all_that_a_crawl_needs() {
    let stack = Deployed::create();
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".aws");
    fs::create_dir(&folder).unwrap();
    let endpoint = Stack::find().aws_endpoint;
    let config = format!("[default]\nregion = us-east-1\nendpoint_url = {endpoint}\n");
    fs::write(folder.join("config"), config).unwrap();
    let keys = "[default]\naws_access_key_id = test\naws_secret_access_key = test\n";
    fs::write(folder.join("credentials"), keys).unwrap();
    let mut command = canter_without_credentials(&["crawl", SITE, "--aws", &stack.name]);
    command
        .env_remove("AWS_CONFIG_FILE")
        .env_remove("AWS_SHARED_CREDENTIALS_FILE")
        .env("HOME", home.path());
    let run = Started::spawn(command);
    run.says("Crawling");
    run.signal("INT");
    run.end().done();
    assert!(stack.crawling("docs.example.org").filled);
}

#[test]
#[ignore = "needs the servers of make test"]
fn a_stack_of_somebody_else_is_told_by_what_it_lacks() {
    let template = json!({
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {"QueueUrl": {"Value": {"Ref": "Queue"}}},
    });
    let name = new_name();
    cloudformation::create(&name, &template.to_string());
    let lacking = "PagesTable, StateTable, ArchiveBucket, ErrandsQueueUrl, DeadLettersUrl";
    run(canter(&["status"]), &name).fails(1, &["none of this canter's", lacking]);
    cloudformation::delete(&name);
}

#[test]
fn without_credentials_or_a_region_the_sentence_comes_soon() {
    // The SDK's last resort for both; this server accepts connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let metadata = format!("http://{}", silent.local_addr().unwrap());
    for (variables, words) in [
        (
            &[("AWS_REGION", "us-east-1")][..],
            &["no credentials", "AWS_ACCESS_KEY_ID", "aws sso login"][..],
        ),
        (
            &[("AWS_REGION", "us-east-1"), ("AWS_PROFILE", "work")],
            &["the profile work", "aws sso login --profile work"],
        ),
        (&[], &["no region", "AWS_REGION", "AWS_PROFILE"]),
    ] {
        let mut command = canter_without_credentials(&["status"]);
        command
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &metadata)
            .envs(variables.iter().copied());
        let began = Instant::now();
        run(command, "canter").fails(1, words);
        let took = began.elapsed();
        // Five seconds, and some more for a busy machine.
        assert!(took < Duration::from_secs(8), "{took:?}");
    }
}

#[test]
fn an_endpoint_that_nobody_answers_at_is_told() {
    let nowhere = canter_at("http://127.0.0.1:9", &["status"]);
    run(nowhere, "canter").fails(
        1,
        &[
            "cannot be reached",
            "http://127.0.0.1:9",
            "AWS_ENDPOINT_URL",
        ],
    );
}

#[test]
fn what_makes_no_sense_in_the_cloud_is_a_wrong_command_line() {
    for args in [
        &["crawl", SITE, "--data", "x"][..],
        &["crawl", SITE, "--index", "http://127.0.0.1:9200"],
        &["crawl", SITE, "--serve"],
        &["crawl", SITE, "--report", "x.html"],
        &["crawl", SITE, "--max-time", "1m"],
        &["crawl", SITE, "--concurrency", "3"],
        &["status", "--data", "x"],
        &["stop", "x", "--data", "x"],
    ] {
        let option = args.iter().find(|arg| arg.starts_with("--")).unwrap();
        run(canter_without_credentials(args), "canter").fails(2, &["cannot be used", option]);
    }
    run(canter_without_credentials(&["status"]), " ").fails(2, &["sam deploy"]);
}
