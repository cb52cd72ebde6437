//! Packs the tasks that many steps push at about the same time into few messages, and sends them.
//!
//! A push resolves when SQS has confirmed every message that holds one of its tasks, so that a page
//! is never finished before its links are safe. A message that SQS did not confirm is sent again even
//! though it may have arrived: a task that comes twice is dropped once it has ended.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use canter_core::domain::Domain;
use canter_core::failure::Failure;
use canter_core::task::{Task, UrlKey};
use canter_core::time::Moment;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::message::{Delivery, Message};
use super::outgoing_message::{OutgoingMessage, Receipt, batches, send};
use super::packing::pack;
use crate::clock::Clock;
use crate::cloud::Cloud;

/// Maximum delay of a message in SQS.
pub const MAX_DELAY: Duration = Duration::from_secs(900);
/// Maximum time that a push waits for others to share its messages.
const LINGER: Duration = Duration::from_secs(1);
/// Number of tasks that do not wait for others.
const PLENTY: usize = 500;

/// Approximate time for which a message keeps a worker busy: one function then works for long, and
/// several can share a fast domain.
const WORK: Duration = Duration::from_secs(5);
/// Number of tasks in a message of a domain without a rate.
const UNLIMITED: usize = 100;

/// Returns the number of tasks in a message, where the starts on their domain are `spacing` apart. A
/// domain without a rate has a spacing of zero.
pub fn tasks_per_message(spacing: Duration) -> usize {
    if spacing.is_zero() {
        return UNLIMITED;
    }
    ((WORK.as_secs_f64() / spacing.as_secs_f64()) as usize).max(1)
}

/// The outbox of a process, shared by all of its steps. Clones are handles to the same outbox.
#[derive(Debug, Clone)]
pub struct Outbox {
    orders: mpsc::UnboundedSender<Order>,
}

#[derive(Debug)]
enum Order {
    Send(Push),
    Flush,
}

#[derive(Debug)]
struct Push {
    tasks: Vec<Task>,
    delivery: Delivery,
    /// Each task in a message of its own.
    apart: bool,
    confirmed: oneshot::Sender<Result<(), Failure>>,
}

/// What the outbox needs to pack and delay messages.
pub struct OutboxOptions {
    /// The clock.
    pub clock: Clock,
    /// Number of tasks that take about five seconds at the pace of a domain.
    pub most: Box<dyn Fn(&Domain) -> usize + Send + Sync>,
}

impl Outbox {
    /// Opens the outbox. Must be called within a runtime.
    pub fn open(cloud: &Cloud, options: OutboxOptions) -> Self {
        let (orders, incoming) = mpsc::unbounded_channel();
        let sending = Sending {
            cloud: cloud.clone(),
            options,
            waiting: Vec::new(),
            under_way: JoinSet::new(),
        };
        tokio::spawn(sending.run(incoming));
        Outbox { orders }
    }

    /// Puts tasks into the queue, which gives them out when they are due, or at once. Resolves when
    /// they are safe.
    ///
    /// # Errors
    ///
    /// The failure of SQS. Some of the tasks may be in the queue all the same.
    pub async fn send(&self, tasks: Vec<Task>, delivery: Delivery) -> Result<(), Failure> {
        self.order(tasks, delivery, false).await
    }

    /// Like [`Outbox::send`], with each task in a message of its own: a task that kills its worker
    /// takes no other along.
    ///
    /// # Errors
    ///
    /// Those of [`Outbox::send`].
    pub async fn send_apart(&self, tasks: Vec<Task>, delivery: Delivery) -> Result<(), Failure> {
        self.order(tasks, delivery, true).await
    }

    async fn order(
        &self,
        tasks: Vec<Task>,
        delivery: Delivery,
        apart: bool,
    ) -> Result<(), Failure> {
        if tasks.is_empty() {
            return Ok(());
        }
        let (confirmed, confirmation) = oneshot::channel();
        let push = Push {
            tasks,
            delivery: Delivery {
                due: delivery.due.map(whole_second),
                ..delivery
            },
            apart,
            confirmed,
        };
        let gone = || Failure::transient("the process that fills the queue is ending");
        self.orders.send(Order::Send(push)).map_err(|_| gone())?;
        confirmation.await.map_err(|_| gone())?
    }

    /// Sends the waiting tasks at once, since no more are coming.
    pub fn flush(&self) {
        // Where the outbox is gone, its pushes fail themselves.
        let _ = self.orders.send(Order::Flush);
    }
}

/// Rounds up, so that tasks that are due at about the same time share messages.
fn whole_second(due: Moment) -> Moment {
    Moment::from_millis(due.millis().div_ceil(1_000).saturating_mul(1_000))
}

struct Sending {
    cloud: Cloud,
    options: OutboxOptions,
    waiting: Vec<Push>,
    under_way: JoinSet<()>,
}

impl Sending {
    async fn run(mut self, mut incoming: mpsc::UnboundedReceiver<Order>) {
        let mut leave = None;
        loop {
            let order = tokio::select! {
                order = incoming.recv() => order,
                () = sleep_until(leave.unwrap_or_else(Instant::now)), if leave.is_some() => Some(Order::Flush),
                Some(_) = self.under_way.join_next() => continue,
            };
            match order {
                Some(Order::Send(push)) => {
                    leave = leave.or(Some(Instant::now() + LINGER));
                    self.waiting.push(push);
                    let tasks = self.waiting.iter().map(|push| push.tasks.len());
                    if tasks.sum::<usize>() >= PLENTY {
                        self.dispatch();
                        leave = None;
                    }
                }
                Some(Order::Flush) => {
                    self.dispatch();
                    leave = None;
                }
                None => break,
            }
        }
        self.dispatch();
        while self.under_way.join_next().await.is_some() {}
    }

    /// Packs all waiting tasks, and begins to send them.
    fn dispatch(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let now = (self.options.clock)();
        let mut alike: BTreeMap<(Delivery, bool), Vec<Push>> = BTreeMap::new();
        for push in self.waiting.drain(..) {
            let delivery = Delivery {
                due: push.delivery.due.filter(|due| *due > now),
                ..push.delivery
            };
            alike.entry((delivery, push.apart)).or_default().push(push);
        }
        let mut outgoing = Vec::new();
        for ((delivery, apart), pushes) in alike {
            outgoing.extend(self.outgoing(now, delivery, apart, pushes));
        }
        for batch in batches(outgoing) {
            self.under_way.spawn(send(self.cloud.clone(), batch));
        }
    }

    /// The messages of pushes with the same delivery. Each knows the pushes that wait for it.
    fn outgoing(
        &self,
        now: Moment,
        delivery: Delivery,
        apart: bool,
        pushes: Vec<Push>,
    ) -> Vec<OutgoingMessage> {
        let mut receipts: HashMap<UrlKey, Vec<Arc<Receipt>>> = HashMap::new();
        let mut tasks = Vec::new();
        for push in pushes {
            let receipt = Arc::new(Receipt::new(push.confirmed));
            for task in push.tasks {
                let waiting = receipts.entry(UrlKey::of(&task.url)).or_default();
                waiting.push(Arc::clone(&receipt));
                // A task that two parents push is sent once, unless their attempts differ.
                if waiting.len() == 1 || !tasks.contains(&task) {
                    tasks.push(task);
                }
            }
        }
        let wait = delivery.due.map_or(Duration::ZERO, |due| now.until(due));
        let delay = wait.min(MAX_DELAY);
        // A message that the queue cannot delay for long enough is sent on when it comes.
        let delivery = Delivery {
            due: delivery.due.filter(|_| wait > MAX_DELAY),
            ..delivery
        };
        let most = |domain: &Domain| match apart {
            true => 1,
            false => (self.options.most)(domain),
        };
        pack(tasks, delivery, most)
            .into_iter()
            .map(|message| OutgoingMessage {
                // Due times were rounded up to whole seconds before.
                delay: delay.as_secs_f64().round() as i32,
                body: message.encode(),
                receipts: receipts_of(&message, &receipts),
            })
            .collect()
    }
}

fn receipts_of(
    message: &Message,
    receipts: &HashMap<UrlKey, Vec<Arc<Receipt>>>,
) -> Vec<Arc<Receipt>> {
    let keys = message.tasks.iter().map(|task| UrlKey::of(&task.url));
    let waiting = keys.filter_map(|key| receipts.get(&key));
    waiting
        .flatten()
        .inspect(|receipt| receipt.expect_one_more())
        .map(Arc::clone)
        .collect()
}
