//! canter on AWS.
