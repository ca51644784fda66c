//! What is said of policies, as text and as JSON.

pub mod json;
pub mod text;
