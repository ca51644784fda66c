//! One decision in full, as text or JSON.

pub mod json;
pub mod text;

#[cfg(test)]
mod fixture;
