//! Comparing the policy in force with another one over the window shown: when a trial starts, and when it ends.

use super::trial::TrialState;
use super::{App, Effect};
use crate::model::{Micros, Window};
use crate::stats::{PolicyRow, Snapshot};

/// Returns the policies that the one in force can be compared with: those whose text is known, without the one that
/// most decisions of the window record, unless there is no other.
pub fn candidates(snapshot: &Snapshot) -> Vec<&PolicyRow> {
    let rows = snapshot.policies.iter();
    let mut known: Vec<&PolicyRow> = rows.filter(|row| row.text.is_some()).collect();
    let most = known.iter().map(|row| row.counts.seen()).max();
    let most = most.filter(|most| *most > 0);
    let main = known.iter().position(|row| Some(row.counts.seen()) == most);
    if let Some(main) = main.filter(|_| known.len() > 1) {
        known.remove(main);
    }
    known
}

/// Tries the next policy on the window shown.
pub(super) fn next(app: &mut App) -> Vec<Effect> {
    let Some(snapshot) = app.snapshot.clone() else {
        return Vec::new();
    };
    let others = candidates(&snapshot);
    let shown = app.trials.shown.as_ref();
    let at = shown.and_then(|trial| {
        let mut others = others.iter();
        others.position(|row| row.id == trial.question.policy)
    });
    let next = at.map_or(0, |at| (at + 1) % others.len().max(1));
    let Some(next) = others.get(next) else {
        app.notice = Some("no policy is known: --policy FILE, or `routetop policy add`".to_owned());
        return Vec::new();
    };
    start(app, &next.id, snapshot.window)
}

fn start(app: &mut App, policy: &str, window: Window) -> Vec<Effect> {
    app.scroll = 0;
    let was_running = app.trials.close();
    let stop = was_running.then_some(Effect::StopTrial);
    let question = app.trials.open(policy, window).map(Effect::Try);
    // A new question ends the one under way by itself.
    question.or(stop).into_iter().collect()
}

/// Closes the trial that is shown, and stops it.
pub(super) fn close(app: &mut App) -> Vec<Effect> {
    app.scroll = 0;
    let was_running = app.trials.close();
    was_running
        .then_some(Effect::StopTrial)
        .into_iter()
        .collect()
}

/// Tries the policy anew when another window is shown; the newest window may go on for a while.
pub(super) fn follow(app: &mut App) -> Vec<Effect> {
    let window = app.snapshot.as_ref().map(|snapshot| snapshot.window);
    let trial = app.trials.shown.as_ref();
    let Some((trial, window)) = trial.zip(window) else {
        return Vec::new();
    };
    let has_failed = matches!(trial.state, TrialState::Failed(_));
    if has_failed || is_much_the_same(trial.question.window, window) {
        return Vec::new();
    }
    let policy = trial.question.policy.clone();
    start(app, &policy, window)
}

/// Tells whether two windows share three quarters of the longer one.
fn is_much_the_same(a: Window, b: Window) -> bool {
    let shared = a.to.min(b.to).since(a.from.max(b.from));
    let longer: Micros = a.len().max(b.len());
    u128::from(shared.0) * 4 >= u128::from(longer.0) * 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{NOW, app, give, ordinary, replayed};
    use crate::app::{Code, Key, Message, Scope, TrialQuestion, update};
    use crate::stats::Query;
    use std::sync::Arc;

    fn press(app: &mut App, char: char) -> Vec<Effect> {
        update(app, Message::Key(Key::char(char)), NOW)
    }

    fn question(effects: &[Effect]) -> TrialQuestion {
        match effects {
            [Effect::Try(question)] => question.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_next_known_policy_is_tried_on_the_window_shown() {
        let mut app = app(Scope::Policies, (80, 24), ordinary);
        let asked = question(&press(&mut app, 'c'));
        assert_eq!(asked.policy, "chat@5#ba9876543210");
        assert_eq!(asked.window, app.snapshot.as_ref().unwrap().window);
        let done = TrialState::Done(Arc::new(replayed()));
        update(&mut app, Message::Trial(asked.number, done), NOW);
        // It is the only one, and kept.
        assert_eq!(press(&mut app, 'c'), []);
        assert_eq!(update(&mut app, Message::Key(Key::of(Code::Esc)), NOW), []);
        assert_eq!((app.scope(), &app.trials.shown), (Scope::Policies, &None));
        assert!(!update(&mut app, Message::Key(Key::of(Code::Esc)), NOW).is_empty());
        assert_eq!(app.scope(), Scope::Overview);
    }

    #[test]
    fn a_running_trial_is_stopped_by_esc() {
        let mut app = app(Scope::Policies, (80, 24), ordinary);
        press(&mut app, 'c');
        let effects = update(&mut app, Message::Key(Key::of(Code::Esc)), NOW);
        assert_eq!(effects, [Effect::StopTrial]);
        assert_eq!(app.scope(), Scope::Policies);
    }

    #[test]
    fn another_window_is_tried_anew_and_the_next_minute_is_not() {
        fn a_minute_later(query: Query) -> Snapshot {
            let mut snapshot = ordinary(query);
            snapshot.window.to = snapshot.window.to.plus(Micros::MINUTE);
            snapshot.window.from = snapshot.window.from.plus(Micros::MINUTE);
            snapshot
        }
        fn of_a_day(query: Query) -> Snapshot {
            let mut snapshot = ordinary(query);
            snapshot.window.from = snapshot.window.to.minus(Micros::DAY);
            snapshot
        }
        let mut app = app(Scope::Policies, (80, 24), ordinary);
        let first = question(&press(&mut app, 'c'));
        let shown = |app: &App| app.trials.shown.clone().unwrap().question;
        update(&mut app, Message::DataChanged { stored: 1 }, NOW);
        give(&mut app, a_minute_later);
        assert_eq!(shown(&app), first);
        press(&mut app, 't');
        give(&mut app, of_a_day);
        let second = shown(&app);
        assert_eq!(
            (second.number, second.window.len()),
            (first.number + 1, Micros::DAY)
        );
    }

    #[test]
    fn without_a_known_policy_it_is_said_how_to_tell_one() {
        let mut app = app(Scope::Policies, (80, 24), crate::app::fixtures::empty);
        assert_eq!(press(&mut app, 'c'), []);
        assert!(app.notice.unwrap().contains("--policy FILE"));
    }
}
