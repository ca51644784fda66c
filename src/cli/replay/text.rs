//! A replay as text: what is certain, what is priced, what is estimated, and what no log can tell.

use crate::app::view::replay::{Figures, blocks};
use crate::cli::report::style::Style;
use crate::cli::words::{count, dollars, foreign};
use crate::model::Window;
use crate::policy::replay::Replayed;

/// Renders the replay.
pub fn render(replayed: &Replayed, window: Window, style: Style) -> String {
    let figures = Figures {
        count,
        usd: dollars,
    };
    let blocks = blocks(replayed, figures).into_iter().map(|line| line.0);
    let mut out = String::new();
    for line in std::iter::once(head(replayed, window, style)).chain(blocks) {
        out.push_str(foreign(&line, style.ascii).trim_end());
        out.push('\n');
    }
    out
}

fn head(replayed: &Replayed, window: Window, style: Style) -> String {
    let stretch = if window == Window::ALL {
        "everything stored".to_owned()
    } else {
        let zone = style.zone;
        format!("{} to {}", zone.format(window.from), zone.format(window.to))
    };
    format!(
        "{} over {} requests, {stretch}",
        replayed.policy,
        count(replayed.requests)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::replay::fixture;

    #[test]
    fn the_blocks_are_told_apart() {
        let text = render(&fixture::estimated(), Window::ALL, Style::default());
        assert_eq!(
            text,
            "essay@2#0123456789ab over 10,000 requests, everything stored
recorded decisions: 9,000 as the policy says, 700 by a logged coin, 3 by another rule, 72 with a model that nothing explains, 25 lack signals that would change the tier, 200 under no policy whose text is known

CERTAIN: 410 of 10,000 requests (4.1%) go to another tier
     went  would go  tier
    6,410     6,000  fast  -410
    3,578     3,988  standard  +410
        410  tier fast -> standard
        410  rule well-grounded -> thin-evidence
        410  of 1,598 grounded_answer (25.7%)
         12  cannot be decided, signals are missing: fast or standard

PRICED, if the new model writes as much: +$1.20 to +$3.40 for the first calls of 380 changed requests

ESTIMATED, doubly robust, 95% intervals, from 64 changed requests that ran on their new tier
  first pass          +20.0  (+10.0 to +30.0) per 1,000 requests
  escalated           -30.0  (-40.0 to -20.0) per 1,000 requests
  corrected      not logged
  cost               +$1.10  (+$0.900 to +$1.30) per 1,000 requests
  median latency       +120  (+80 to +160) ms

NEVER KNOWABLE from a log
  how users behave after other answers than those they got
  session_fallbacks of the 1204 requests that come after a changed one in their session
  rate limits and caches under another load
  prices and models that changed meanwhile
"
        );
    }

    #[test]
    fn a_refusal_says_what_is_missing() {
        let text = render(&fixture::refused(), Window::ALL, Style::default());
        assert!(
            text.contains("ESTIMATED: nothing, not enough evidence: 16 of 410 changed"),
            "{text}"
        );
        assert!(text.contains("PRICED, if the new model writes as much: not known, no changed"));
        assert!(!text.contains("session_fallbacks"));
    }
}
