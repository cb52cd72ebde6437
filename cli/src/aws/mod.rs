//! Crawls in a deployed stack, controlled from here. They continue without this process.

mod bill;
mod course;
mod crawl;
mod deployed;
mod end;
mod publish;
mod rollback;
mod status;
mod stop;
mod watch;

pub use crawl::crawl;
pub use publish::{publish, reindex};
pub use rollback::rollback;
pub use status::status;
pub use stop::stop;
