//! What an edited policy would have done, as text and as JSON.

pub mod json;
pub mod text;
