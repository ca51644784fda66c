//! Declarations: the words that a policy adds to the usual ones.

use super::cursor::Cursor;
use super::error::Fault;
use super::vocabulary::{Signal, SignalKind, TaskClass, Vocabulary};

/// Reads what follows `class`.
pub(super) fn class(cursor: &mut Cursor<'_>, vocabulary: &mut Vocabulary) -> Result<(), Fault> {
    let name = cursor.need_name("a name for the class")?;
    let is_lightweight = cursor.eat("is");
    if is_lightweight {
        cursor.need("lightweight")?;
    }
    vocabulary.declare_class(TaskClass {
        name: name.text.clone(),
        is_lightweight,
    });
    Ok(())
}

/// Reads what follows `signal`.
pub(super) fn signal(
    cursor: &mut Cursor<'_>,
    vocabulary: &mut Vocabulary,
    faults: &mut Vec<Fault>,
) -> Result<(), Fault> {
    let name = cursor.need_name("a name for the signal")?;
    let is_taken = |signal: &Signal| signal.name == name.text || signal.phrase == name.text;
    if vocabulary.signals().iter().any(is_taken) {
        let message = format!("signal {} is there already", name.text);
        faults.push(cursor.fault(name.span, message));
    }
    cursor.need("is")?;
    let kind = if cursor.eat("yes") {
        cursor.need("or")?;
        cursor.need("no")?;
        SignalKind::YesNo
    } else if cursor.eat("one") {
        cursor.need("of")?;
        SignalKind::Words {
            words: words(cursor, faults)?,
            is_ordered: false,
        }
    } else if cursor.eat("a") {
        number_kind(cursor, faults)?
    } else {
        return Err(cursor.expected("`a number from`, `a count`, `one of` or `yes or no`"));
    };
    vocabulary.declare_signal(&name.text, kind);
    Ok(())
}

fn number_kind(cursor: &mut Cursor<'_>, faults: &mut Vec<Fault>) -> Result<SignalKind, Fault> {
    if cursor.eat("count") {
        return Ok(SignalKind::Count);
    }
    if !cursor.eat("number") {
        return Err(cursor.expected("`number` or `count`"));
    }
    cursor.need("from")?;
    let (low, span) = cursor.need_number()?;
    cursor.need("to")?;
    let (high, _) = cursor.need_number()?;
    if low >= high {
        let message = format!("a number from {low} to {high} is none");
        faults.push(cursor.fault(span, message));
    }
    Ok(SignalKind::Number { low, high })
}

fn words(cursor: &mut Cursor<'_>, faults: &mut Vec<Fault>) -> Result<Vec<String>, Fault> {
    let mut words: Vec<String> = Vec::new();
    loop {
        let token = cursor.need_name_or_text("a word")?;
        let word = token.bare().to_owned();
        if words.contains(&word) {
            let message = format!("`{word}` is listed twice");
            faults.push(cursor.fault(token.span, message));
        }
        words.push(word);
        if !cursor.eat_comma() && !cursor.eat("or") {
            return Ok(words);
        }
    }
}
