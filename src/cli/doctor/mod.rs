//! What `doctor` finds out, pure: facts come in as values, checks leave as words with remedies.

pub(super) mod check;
pub(super) mod lines;
pub(super) mod sources;
