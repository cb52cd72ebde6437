//! Crawls in a stack, steered by the real program: the stack is one of LocalStack's CloudFormation,
//! with tables and queues and no functions, so that each test is the worker itself.

mod cloudformation;
mod crawl;
mod deployed;
mod lookup;
mod status;
