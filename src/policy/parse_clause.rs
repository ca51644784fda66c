//! Clauses: one condition on one signal, in the words of its kind.

use super::cursor::Cursor;
use super::error::Fault;
use super::lex::{Kind, Token};
use super::rule::{Clause, Comparison, Test};
use super::span::Span;
use super::vocabulary::{SignalIdx, SignalKind, Vocabulary};

/// Reads one clause. Words that are not in the vocabulary are noted in `faults`, and reading goes on.
pub(super) fn clause(
    cursor: &mut Cursor<'_>,
    vocabulary: &Vocabulary,
    faults: &mut Vec<Fault>,
) -> Result<Clause, Fault> {
    let start = cursor.place();
    let signal = signal(cursor, vocabulary)?;
    let kind = vocabulary
        .signal(signal)
        .map_or(&SignalKind::YesNo, |signal| &signal.kind);
    let is_tools = cursor_word(vocabulary, signal) == "tools";
    cursor.need(if is_tools { "are" } else { "is" })?;
    let test = match known(cursor) {
        Some(is_known) => Test::IsKnown(is_known),
        None => match kind {
            SignalKind::YesNo if is_tools => {
                let is_required = !cursor.eat("not");
                cursor.need("required")?;
                Test::Is(is_required)
            }
            SignalKind::YesNo => Test::Is(yes_no(cursor)?),
            SignalKind::Words { words, is_ordered } => {
                word_test(cursor, vocabulary, signal, (words, *is_ordered), faults)?
            }
            SignalKind::Number { .. } | SignalKind::Count => {
                comparison(cursor, vocabulary, signal, faults)?
            }
        },
    };
    Ok(Clause {
        signal,
        test,
        text: cursor.written_since(start),
    })
}

fn cursor_word(vocabulary: &Vocabulary, signal: SignalIdx) -> &str {
    vocabulary
        .signal(signal)
        .map_or("", |signal| signal.phrase.as_str())
}

/// `the task`, `tools`, or a signal's own name.
fn signal(cursor: &mut Cursor<'_>, vocabulary: &Vocabulary) -> Result<SignalIdx, Fault> {
    let has_article = cursor.eat("the");
    let token = cursor.need_name("a signal")?;
    let phrase = if has_article {
        format!("the {}", token.text)
    } else {
        token.text.clone()
    };
    let found = vocabulary
        .signals()
        .iter()
        .position(|signal| signal.phrase == phrase);
    if let Some(found) = found {
        return Ok(found);
    }
    let with_article = vocabulary
        .signals()
        .iter()
        .filter_map(|signal| signal.phrase.strip_prefix("the "));
    if has_article {
        return Err(cursor.unknown(token, "word after `the` in a clause", with_article));
    }
    // `task`, `task_class` and the like: the words are right, the phrase is another.
    let meant = vocabulary.signals().iter().find(|signal| {
        signal.name == token.text || signal.phrase.strip_prefix("the ") == Some(&token.text)
    });
    if let Some(meant) = meant {
        return Err(cursor
            .fault(token.span, format!("`{}` is no signal", token.text))
            .hinted(Some(format!("write `{}`", meant.phrase))));
    }
    let phrases = vocabulary
        .signals()
        .iter()
        .map(|signal| signal.phrase.as_str());
    Err(cursor.unknown(token, "signal", phrases))
}

fn known(cursor: &mut Cursor<'_>) -> Option<bool> {
    if cursor.eat("known") {
        return Some(true);
    }
    cursor.eat("unknown").then_some(false)
}

fn yes_no(cursor: &mut Cursor<'_>) -> Result<bool, Fault> {
    if cursor.eat("yes") {
        return Ok(true);
    }
    if cursor.eat("no") {
        return Ok(false);
    }
    Err(cursor.expected("`yes` or `no`"))
}

/// Returns what a word of the signal is called in messages.
pub(super) fn what_of(vocabulary: &Vocabulary, signal: SignalIdx) -> String {
    match vocabulary.signal(signal).map(|signal| signal.name.as_str()) {
        Some("task_class") => "task class".to_owned(),
        Some("format_strictness") => "format".to_owned(),
        Some("user_tier") => "user tier".to_owned(),
        other => format!("value of {}", other.unwrap_or_default()),
    }
}

fn word_test(
    cursor: &mut Cursor<'_>,
    vocabulary: &Vocabulary,
    signal: SignalIdx,
    (words, is_ordered): (&[String], bool),
    faults: &mut Vec<Fault>,
) -> Result<Test, Fault> {
    let what = what_of(vocabulary, signal);
    let mut find = |cursor: &Cursor<'_>, token: &Token| {
        let found = words.iter().position(|word| word == token.bare());
        if found.is_none() {
            faults.push(cursor.unknown(token, &what, words.iter().map(String::as_str)));
        }
        found
    };
    let article = if what.starts_with('a') { "an" } else { "a" };
    let wanted = format!("{article} {what}");
    if is_ordered && cursor.eat("at") {
        cursor.need("least")?;
        let token = cursor.need_name_or_text(&wanted)?;
        return Ok(Test::AtLeastWord(find(cursor, token).unwrap_or_default()));
    }
    let is_negated = cursor.eat("not");
    let mut mask = vec![false; words.len()];
    loop {
        let token = cursor.need_name_or_text(&wanted)?;
        if let Some(place) = find(cursor, token).and_then(|idx| mask.get_mut(idx)) {
            *place = true;
        }
        if cursor.eat_comma() {
            continue;
        }
        if cursor.eat("or") {
            let token = cursor.need_name_or_text(&wanted)?;
            if let Some(place) = find(cursor, token).and_then(|idx| mask.get_mut(idx)) {
                *place = true;
            }
        }
        return Ok(Test::OneOf {
            words: mask,
            is_negated,
        });
    }
}

fn comparison(
    cursor: &mut Cursor<'_>,
    vocabulary: &Vocabulary,
    signal: SignalIdx,
    faults: &mut Vec<Fault>,
) -> Result<Test, Fault> {
    let comparison = if cursor.eat("above") {
        Comparison::Above
    } else if cursor.eat("below") {
        Comparison::Below
    } else if cursor.eat("at") {
        if cursor.eat("least") {
            Comparison::AtLeast
        } else if cursor.eat("most") {
            Comparison::AtMost
        } else {
            return Err(cursor.expected("`least` or `most`"));
        }
    } else {
        return Err(
            cursor.expected("`above`, `below`, `at least`, `at most`, `known` or `unknown`")
        );
    };
    let (threshold, span) = cursor.need_number()?;
    if let Some(message) = out_of_range(vocabulary, signal, threshold) {
        faults.push(cursor.fault(span, message));
    }
    Ok(Test::Compare {
        comparison,
        threshold,
    })
}

/// Says why a signal never takes a value; `None` when it may.
pub(super) fn out_of_range(
    vocabulary: &Vocabulary,
    signal: SignalIdx,
    value: f64,
) -> Option<String> {
    let signal = vocabulary.signal(signal)?;
    let name = &signal.name;
    match signal.kind {
        SignalKind::Number { low, high } if !(low..=high).contains(&value) => Some(format!(
            "{name} runs from {low} to {high}, {value} can never be reached"
        )),
        SignalKind::Count if value < 0.0 => Some(format!(
            "{name} counts from 0 on, {value} can never be reached"
        )),
        SignalKind::Count if value.fract() != 0.0 => {
            Some(format!("{name} is a count, {value} is no whole number"))
        }
        SignalKind::Words { .. } | SignalKind::YesNo => {
            Some(format!("{name} takes words, {value} can never be reached"))
        }
        _ => None,
    }
}

/// A number token is told from a word by this in `expect` lines.
pub(super) fn number(token: &Token) -> Option<(f64, Span)> {
    match token.kind {
        Kind::Number(value) => Some((value, token.span)),
        _ => None,
    }
}
