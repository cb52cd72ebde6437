//! A stack of one test, the program that controls it, and the work of a worker in it. Tables and
//! queues are removed with it.

use std::collections::BTreeMap;
use std::process::{self, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use canter_aws::queue::{self, Depth};
use canter_aws::{
    Bill, Cloud, CloudSite, Counts, Crawling, Endpoints, Meter, Names, Progress, Sites, Usage,
};
use canter_core::ports::{Finish, Known, Pages};
use canter_core::task::{Kind, Outcome, Task};
use canter_http::Clock;
use canter_tests::canter::Started;
use canter_tests::{Ended, Stack};
use serde_json::json;
use tokio::runtime::Runtime;

use super::cloudformation;

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// A deployed stack.
pub struct Deployed {
    pub name: String,
    cloud: Cloud,
    runtime: Runtime,
}

impl Deployed {
    /// Deploys it.
    pub fn create() -> Self {
        let name = new_name();
        let outputs = cloudformation::create(&name, &template());
        let runtime = Runtime::new().unwrap();
        let cloud = runtime.block_on(connect(&outputs));
        Deployed {
            name,
            cloud,
            runtime,
        }
    }

    /// Runs `canter` with `--aws` and this stack, and waits for its end.
    pub fn run(&self, args: &[&str]) -> Ended {
        self.start(args).end()
    }

    /// Starts `canter` with `--aws` and this stack.
    pub fn start(&self, args: &[&str]) -> Started {
        let mut command = canter(args);
        command.args(["--aws", &self.name]);
        Started::spawn(command)
    }

    /// Number of messages in the queue of tasks.
    pub fn depth(&self) -> Depth {
        self.runtime.block_on(queue::depth(&self.cloud)).unwrap()
    }

    /// The newest crawl of a site.
    pub fn crawling(&self, site: &str) -> Crawling {
        let found = self.runtime.block_on(self.sites().load_now(site));
        found.unwrap().expect("a crawl")
    }

    /// Does a worker's work on the seed of a site: notes its row, the progress and the bill.
    pub fn fetch_seed(&self, site: &str, outcome: Outcome) {
        let crawling = self.crawling(site);
        let task = Task {
            site: site.to_owned(),
            crawl: crawling.crawl,
            url: crawling.spec.site.seeds[0].clone(),
            depth: 0,
            redirects: 0,
            attempts: 0,
            parent: None,
            kind: Kind::Page,
        };
        let page = outcome == Outcome::Indexed;
        let finish = Finish {
            outcome,
            known: Known::default(),
            exchange: None,
        };
        let progress = Progress {
            pages: u64::from(page),
            done: 1,
            requests: 2,
            bytes: 4_096,
            ..Progress::default()
        };
        self.add_to_bill(site, crawling.crawl);
        self.runtime.block_on(async {
            self.rows(&crawling).finish(&task, finish).await.unwrap();
            let sites = self.sites();
            sites.note(site, crawling.crawl, progress).await.unwrap();
        });
    }

    /// Adds the usage of a worker to the bill of a crawl.
    pub fn add_to_bill(&self, site: &str, crawl: u64) {
        let meter = Meter::default();
        let took = Usage {
            sent: 3.0,
            write_units: 4.0,
            ..Usage::default()
        };
        meter.add("DynamoDB", "UpdateItem", took);
        let bill = Bill::of("fetch", meter.take());
        let now = Clock::start().now();
        let added = bill.add_to(&self.cloud, (site, crawl), now);
        self.runtime.block_on(added).unwrap();
    }

    /// Ends the crawl of a site, like a sweep does. Gives the counts of its rows.
    pub fn end(&self, site: &str) -> Counts {
        let crawling = self.crawling(site);
        self.runtime.block_on(async {
            let counts = self.rows(&crawling).counts().await.unwrap();
            let ended = self.sites().end(site, crawling.crawl, &counts).await;
            assert!(ended.unwrap());
            counts
        })
    }

    fn sites(&self) -> Sites {
        Sites::new(self.cloud.clone(), clock())
    }

    fn rows(&self, crawling: &Crawling) -> CloudSite {
        let site = &crawling.spec.site.id;
        CloudSite::new(self.cloud.clone(), site, crawling.crawl, clock())
    }
}

impl Drop for Deployed {
    fn drop(&mut self) {
        cloudformation::delete(&self.name);
    }
}

/// A unique name for a stack.
pub fn new_name() -> String {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("steer-{}-{number}", process::id())
}

/// The program, in an environment that names LocalStack.
pub fn canter(args: &[&str]) -> Command {
    canter_at(Stack::find().aws_endpoint.as_str(), args)
}

/// The program, in an environment that names an endpoint of AWS.
pub fn canter_at(endpoint: &str, args: &[&str]) -> Command {
    let mut command = canter_without_credentials(args);
    command
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "us-east-1");
    command
}

/// The program, in an environment that says nothing about AWS.
pub fn canter_without_credentials(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_canter"));
    let ours = std::env::vars_os().filter(|(name, _)| !name.to_string_lossy().starts_with("AWS_"));
    command
        .args(args)
        .env_clear()
        .envs(ours)
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    command
}

async fn connect(outputs: &BTreeMap<String, String>) -> Cloud {
    let stack = Stack::find();
    let names = Names {
        pages: outputs["PagesTable"].clone(),
        state: outputs["StateTable"].clone(),
        bucket: outputs["ArchiveBucket"].clone(),
        queue: outputs["QueueUrl"].clone(),
        errands: outputs["ErrandsQueueUrl"].clone(),
        dead_letters: outputs["DeadLettersUrl"].clone(),
    };
    let endpoints = Endpoints {
        dynamodb: stack.dynamodb_endpoint.to_string(),
        s3: stack.aws_endpoint.to_string(),
        sqs: stack.aws_endpoint.to_string(),
    };
    Cloud::connect_local(names, endpoints).await
}

fn clock() -> canter_aws::Clock {
    let clock = Clock::start();
    Arc::new(move || clock.now())
}

/// The state of a stack of canter's.
fn template() -> String {
    let table = |keys: &[(&str, &str, &str)]| {
        let attributes = keys
            .iter()
            .map(|(name, kind, _)| json!({"AttributeName": name, "AttributeType": kind}));
        let schema = keys
            .iter()
            .map(|(name, _, place)| json!({"AttributeName": name, "KeyType": place}));
        json!({"Type": "AWS::DynamoDB::Table", "Properties": {
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": attributes.collect::<Vec<_>>(),
            "KeySchema": schema.collect::<Vec<_>>(),
        }})
    };
    let queue = || json!({"Type": "AWS::SQS::Queue"});
    let output = |resource: &str| json!({"Value": {"Ref": resource}});
    let template = json!({
        "Resources": {
            "Pages": table(&[("shard", "S", "HASH"), ("hash", "B", "RANGE")]),
            "State": table(&[("key", "S", "HASH")]),
            "Archive": {"Type": "AWS::S3::Bucket"},
            "Queue": queue(),
            "ErrandsQueue": queue(),
            "DeadLetters": queue(),
        },
        "Outputs": {
            "PagesTable": output("Pages"),
            "StateTable": output("State"),
            "ArchiveBucket": output("Archive"),
            "QueueUrl": output("Queue"),
            "ErrandsQueueUrl": output("ErrandsQueue"),
            "DeadLettersUrl": output("DeadLetters"),
            "SearchUrl": {"Value": "https://search.example.org/prod/"},
            "AllowPrivate": {"Value": "false"},
        },
    });
    template.to_string()
}
