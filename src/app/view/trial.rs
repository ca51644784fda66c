//! The policy in force beside another one, over the window shown.

use super::judgement::fitted;
use super::line::{Line, Weight};
use super::replay::{Figures, blocks};
use crate::app::{App, Trial, TrialState, units};

/// Under so many columns a page shows little at once.
const NARROW: usize = 60;

/// Returns the page's lines.
pub fn lines(app: &App, trial: &Trial) -> Vec<Line> {
    let width = usize::from(app.settings.size.0);
    let window = trial.question.window;
    let mut told = vec![
        (
            format!(
                "COMPARED: {} with the policy in force",
                trial.question.policy
            ),
            Weight::Title,
        ),
        (
            format!(
                "over {} to {}",
                units::day_clock(window.from),
                units::day_clock(window.to)
            ),
            Weight::Dim,
        ),
    ];
    match &trial.state {
        TrialState::Running { share, requests } => told.push((
            format!(
                "deciding again: {}%, {} requests so far; Esc stops it",
                units::percent(*share),
                units::count(*requests)
            ),
            Weight::Plain,
        )),
        TrialState::Failed(why) => told.push((format!("! not done: {why}"), Weight::Watch)),
        TrialState::Done(replayed) => {
            let figures = Figures {
                count: units::count,
                usd: units::usd,
            };
            let mut lines = blocks(replayed, figures);
            // What would change comes first where there is little room; what was recorded is then a scroll away.
            if width < NARROW {
                lines.rotate_left(2);
                let last = lines.len().saturating_sub(2);
                if let Some(last) = lines.get_mut(last..) {
                    last.reverse();
                }
            }
            told.extend(lines);
        }
    }
    let room = width.saturating_sub(2).max(20);
    told.iter()
        .flat_map(|(text, weight)| {
            let parts = fitted(text, room).into_iter();
            parts.map(|part| Line::default().say(format!(" {part}"), *weight))
        })
        .collect()
}
