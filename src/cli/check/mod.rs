//! The alarms, as text and as JSON.

#[cfg(test)]
mod tests;

pub mod json;
pub mod text;
pub mod verdict;
