//! Corrections by mapping: a line may correct its own request, another request, or a session's latest.

use super::fill::{id, readable};
use super::view::View;
use crate::format::scratch::Scratch;
use crate::model::{
    Correction, CorrectionBy, CorrectionKind, Event, Flags, Request, SessionCorrection, SessionKey,
    Timestamp,
};

/// Adds the correction that the line is, if it is one: to `own`, the request that the line is about,
/// or as an event of its own, which is returned. `ts` is when the line was written.
pub(crate) fn correct(
    scratch: &Scratch,
    view: &View<'_, '_>,
    own: Option<&mut Request>,
    ts: Timestamp,
    format: u8,
) -> Option<Event> {
    let map = view.plan.mapping.correction.as_ref()?;
    if !view.holds(Some(&map.when)) {
        return None;
    }
    let mut flags = Flags::CORRECTABLE;
    let correction = Correction {
        kind: kind(view),
        by: by(view),
        ts: Some(ts),
        after: readable(view.span(map.after.as_ref()), &mut flags),
    };
    let named = id(view, map.request_id.as_ref());
    let session = map.session_id.as_ref().and_then(|at| view.text(at));
    match (named, session, own) {
        (Some(named), _, Some(own)) if own.id == named => add(own, correction),
        (Some(named), ..) => {
            let mut corrected = Request::new(named, ts);
            corrected.format = format;
            corrected.flags = flags;
            corrected.correction = Some(correction);
            return Some(Event::Request(Box::new(corrected)));
        }
        (None, Some(session), _) => {
            return Some(Event::SessionCorrection(SessionCorrection {
                session: SessionKey(scratch.key.hash(session.as_bytes())),
                ts,
                correction,
            }));
        }
        (None, None, Some(own)) => add(own, correction),
        (None, None, None) => {}
    }
    None
}

fn add(own: &mut Request, correction: Correction) {
    own.correction.get_or_insert(correction);
}

fn kind(view: &View<'_, '_>) -> CorrectionKind {
    let words = view
        .plan
        .mapping
        .correction
        .as_ref()
        .and_then(|map| map.kind.as_ref());
    match view.meaning(words, |word| Some(CorrectionKind::from_word(word))) {
        Some(Ok(kind)) => kind,
        // A word that the mapping does not name may still be one of ours, e.g. `edited`.
        _ => words
            .and_then(|words| view.text(&words.at))
            .map_or(CorrectionKind::Other, |word| {
                CorrectionKind::from_word(&word)
            }),
    }
}

fn by(view: &View<'_, '_>) -> CorrectionBy {
    let at = view
        .plan
        .mapping
        .correction
        .as_ref()
        .and_then(|map| map.by.as_ref());
    at.and_then(|at| view.text(at))
        .map_or(CorrectionBy::Unknown, |word| CorrectionBy::from_word(&word))
}
