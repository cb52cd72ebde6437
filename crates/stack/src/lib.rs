//! A deployed stack: what CloudFormation tells of it, for whoever steers it from a shell.
//!
//! One request, with the credentials, the region and the endpoint that the environment names, in the
//! way of all AWS tools. Whatever is missing is said in one sentence, with what to do about it.

mod asking;
mod outputs;
mod refusal;

pub use outputs::Stack;

use canter_core::failure::Failure;

use asking::Asking;

impl Stack {
    /// The stack of a name, or of an ARN.
    ///
    /// # Errors
    ///
    /// Where nobody can be asked, where there is no such stack, and where it is none of canter's or
    /// not whole.
    pub async fn find(name: &str) -> Result<Self, Failure> {
        let asking = Asking::connect().await?;
        let described = asking.describe(name).await?;
        Stack::of(name, &described)
    }
}
