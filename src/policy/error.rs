//! What is wrong with a policy's text: where, what, and what to write instead.

use std::fmt;

use super::span::Span;

/// One thing wrong with the text of a policy.
///
/// Shown as the message, the place, the line itself and a caret below the words meant:
///
/// ```text
/// line 12, column 15: `plannning` is no task class
///   12 |   when the task is plannning
///      |                    ^^^^^^^^^
///   help: did you mean `planning`?
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The 1-based line.
    pub line: usize,
    /// The 1-based column, in characters.
    pub column: usize,
    /// How many characters are meant, at least one.
    pub len: usize,
    /// The line as it stands in the text.
    pub source_line: String,
    /// What is wrong: a lower-case fragment without a full stop.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Fault {
    /// Says what is wrong at `span` of `text`.
    pub(super) fn new(text: &str, span: Span, message: impl Into<String>) -> Self {
        let source_line = text.lines().nth(span.line.saturating_sub(1)).unwrap_or("");
        let meant = text.get(span.start..span.end).unwrap_or("");
        Self {
            line: span.line,
            column: span.column,
            len: meant.chars().count().max(1),
            source_line: source_line.to_owned(),
            message: message.into(),
            hint: None,
        }
    }

    /// Adds what to write instead.
    pub(super) fn hinted(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = (self.line, self.column);
        writeln!(f, "line {line}, column {column}: {}", self.message)?;
        // A tab stands for itself below the line, so that the caret stays under the word.
        let before: String = self
            .source_line
            .chars()
            .take(column.saturating_sub(1))
            .map(|char| if char == '\t' { '\t' } else { ' ' })
            .collect();
        let gutter = line.to_string().len();
        writeln!(f, "  {line} | {}", self.source_line)?;
        write!(f, "  {:gutter$} | {before}{}", "", "^".repeat(self.len))?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  help: {hint}")?;
        }
        Ok(())
    }
}

/// Why a text is no policy: every fault found, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", listed(.faults))]
pub struct PolicyError {
    /// The faults; never empty.
    pub faults: Vec<Fault>,
}

fn listed(faults: &[Fault]) -> String {
    let faults: Vec<String> = faults.iter().map(Fault::to_string).collect();
    faults.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_below_the_words_meant() {
        let text = "policy\n\tuse fats";
        let span = Span {
            start: 12,
            end: 16,
            line: 2,
            column: 6,
        };
        let fault =
            Fault::new(text, span, "`fats` is no tier").hinted(Some("did you mean `fast`?".into()));
        assert_eq!(
            fault.to_string(),
            "line 2, column 6: `fats` is no tier\n  2 | \tuse fats\n    | \t    ^^^^\n  help: did you mean `fast`?"
        );
    }
}
