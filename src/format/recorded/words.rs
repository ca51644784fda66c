//! Values of recorded reasons as a sentence shows them.

use serde_json::Value;

/// Returns a text without its quotes and anything else as JSON.
pub(super) fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
