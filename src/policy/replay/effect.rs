//! A difference that is estimated, and how sure it is.

/// The normal quantile of a two-sided 95 % interval.
pub(super) const Z: f64 = 1.959_963_984_540_054;

/// A difference per request, over the whole window, with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The difference.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// A difference per request and its standard error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effect {
    pub(super) delta: f64,
    pub(super) error: f64,
}
