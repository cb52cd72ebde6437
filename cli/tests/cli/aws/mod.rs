//! Crawls in a stack, controlled by the real program. The stack is made by LocalStack's
//! CloudFormation; it has tables and queues but no functions, and each test plays the worker
//! itself.

mod cloudformation;
mod crawl;
mod deployed;
mod lookup;
mod status;
