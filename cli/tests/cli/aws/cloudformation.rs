//! Stacks in LocalStack, made with CloudFormation's Query API: a form is posted, and XML comes
//! back. Requests are not signed, but the header names the service.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use canter_tests::Stack;
use url::form_urlencoded::Serializer;

/// Maximum wait for a stack, which takes a few seconds, and more on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Creates a stack, waits for it, and gives its outputs.
pub fn create(name: &str, template: &str) -> BTreeMap<String, String> {
    ask(
        "CreateStack",
        &[("StackName", name), ("TemplateBody", template)],
    );
    let began = Instant::now();
    loop {
        let described = ask("DescribeStacks", &[("StackName", name)]);
        match text(&described, "StackStatus") {
            Some("CREATE_COMPLETE") => return outputs(&described),
            Some("CREATE_IN_PROGRESS") if began.elapsed() < PATIENCE => {}
            _ => panic!("the stack does not come up: {described}"),
        }
        thread::sleep(Duration::from_millis(200));
    }
}

/// Deletes a stack without waiting for it.
pub fn delete(name: &str) {
    ask("DeleteStack", &[("StackName", name)]);
}

fn ask(action: &str, parameters: &[(&str, &str)]) -> String {
    let endpoint = Stack::find().aws_endpoint;
    let form = Serializer::new(String::new())
        .extend_pairs([("Action", action), ("Version", "2010-05-15")])
        .extend_pairs(parameters)
        .finish();
    let host = endpoint.authority();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\
         Authorization: AWS4-HMAC-SHA256 \
         Credential=test/20260101/us-east-1/cloudformation/aws4_request, SignedHeaders=host, \
         Signature=none\r\n\r\n",
        form.len()
    );
    let mut server = TcpStream::connect(host).unwrap();
    server.write_all((head + &form).as_bytes()).unwrap();
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{action}: {answer}");
    answer
}

fn outputs(described: &str) -> BTreeMap<String, String> {
    let members = described.split("<OutputKey>").skip(1);
    let pair = |member: &str| {
        let key = member.split_once('<').unwrap().0;
        Some((key.to_owned(), text(member, "OutputValue")?.to_owned()))
    };
    members.filter_map(pair).collect()
}

fn text<'a>(xml: &'a str, tag: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{tag}>"))?;
    rest.split_once("</").map(|(text, _)| text)
}
