//! A deployed stack, as CloudFormation describes it, for whoever controls it from a shell.
//!
//! One request, with the credentials, the region and the endpoint that the environment names, as
//! all AWS tools do it. Whatever is missing is said in one sentence, with advice.

mod asking;
mod outputs;
mod refusal;

pub use outputs::Stack;

use canter_core::failure::Failure;

use asking::Asking;

impl Stack {
    /// Finds a stack by its name or its ARN.
    ///
    /// # Errors
    ///
    /// Fails if CloudFormation cannot be asked, if there is no such stack, or if it is incomplete
    /// or not one of canter's.
    pub async fn find(name: &str) -> Result<Self, Failure> {
        let asking = Asking::connect().await?;
        let described = asking.describe(name).await?;
        Stack::of(name, &described)
    }
}
