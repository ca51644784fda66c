//! The nearest known word to a mistyped one: what "did you mean" says.

/// The most edits between a word and what was probably meant.
const EDITS_MAX: usize = 2;

/// Returns the candidate that `word` was probably meant to be.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (edits(word, candidate), candidate))
        .filter(|(edits, candidate)| *edits <= EDITS_MAX && *edits < candidate.len())
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance in bytes.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let best = (diagonal + usize::from(x != y))
                .min(left + 1)
                .min(*cell + 1);
            diagonal = *cell;
            *cell = best;
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_within_two_edits() {
        let words = ["route", "rule", "reason", "ts"];
        assert_eq!(nearest("rout", words), Some("route"));
        assert_eq!(nearest("roule", words), Some("route"));
        assert_eq!(nearest("Reason", words), Some("reason"));
        assert_eq!(nearest("latency", words), None);
        assert_eq!(
            nearest("x", words),
            None,
            "two edits would be the whole word"
        );
    }
}
