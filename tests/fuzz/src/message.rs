//! A message of the queues.

use canter_aws::queue::{Errand, Message};
use canter_page::url::is_http;

#[test]
fn messages() {
    bolero::check!().for_each(|body: &[u8]| {
        let Ok(body) = std::str::from_utf8(body) else {
            return;
        };
        let _ = Errand::parse(body);
        let Ok(message) = Message::parse(body) else {
            return;
        };
        assert!(!message.tasks.is_empty());
        assert!(message.tasks.iter().all(|task| is_http(&task.url)));
        assert_eq!(Message::parse(&message.encode()).as_ref(), Ok(&message));
    });
}
