//! The report: what the overview shows, as text, JSON, CSV or markdown.

pub mod csv;
pub mod findings;
mod ingest_json;
pub mod json;
pub mod markdown;
mod sources;
pub mod style;
mod table;
pub mod text;

#[cfg(test)]
pub(in crate::cli) mod fixture;
