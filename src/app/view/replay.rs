//! What an edited policy would have done, line by line: what is certain, priced and estimated, never mixed, and what no
//! log can tell. Shared by the policies page and `policy replay`.

use super::line::Weight;
use crate::app::units;
use crate::policy::replay::{Estimate, Estimated, Method, Move, Replayed, TierCount};

/// How many moves from rule to rule are listed.
const RULES_LEN: usize = 12;

/// How numbers are written.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// A count.
    pub count: fn(u64) -> String,
    /// Dollars.
    pub usd: fn(f64) -> String,
}

/// One line, not yet sanitised; what belongs to the line above starts with blanks.
pub type ReplayLine = (String, Weight);

fn plain(text: impl Into<String>) -> ReplayLine {
    (text.into(), Weight::Plain)
}

fn title(text: impl Into<String>) -> ReplayLine {
    (text.into(), Weight::Title)
}

/// Returns the blocks, with an empty line before each but the first.
pub fn blocks(of: &Replayed, figures: Figures) -> Vec<ReplayLine> {
    let mut lines = vec![plain(recorded(of, figures))];
    let never = of.never_knowable().into_iter();
    let blocks = [
        certain(of, figures),
        priced(of, figures),
        estimated(of, figures),
        std::iter::once(title("NEVER KNOWABLE from a log"))
            .chain(never.map(|line| plain(format!("  {line}"))))
            .collect(),
    ];
    for block in blocks {
        lines.push(plain(""));
        lines.extend(block);
    }
    lines
}

fn recorded(of: &Replayed, figures: Figures) -> String {
    let count = figures.count;
    let recorded = of.recorded;
    let mut told = vec![format!("{} as the policy says", count(recorded.agrees))];
    for (number, what) in [
        (recorded.explore, "by a logged coin"),
        (recorded.drift_rule, "by another rule"),
        (recorded.drift_model, "with a model that nothing explains"),
        (
            recorded.undecidable,
            "lack signals that would change the tier",
        ),
        (
            recorded.unknown_policy,
            "under no policy whose text is known",
        ),
    ] {
        if number > 0 {
            told.push(format!("{} {what}", count(number)));
        }
    }
    format!("recorded decisions: {}", told.join(", "))
}

fn share(part: u64, of: u64) -> String {
    if of == 0 {
        return String::new();
    }
    format!(
        " ({}%)",
        units::percent(units::as_float(part) / units::as_float(of))
    )
}

fn certain(of: &Replayed, figures: Figures) -> Vec<ReplayLine> {
    let count = figures.count;
    let mut lines = vec![title(format!(
        "CERTAIN: {} of {} requests{} go to another tier",
        count(of.changed),
        count(of.requests),
        share(of.changed, of.requests)
    ))];
    lines.extend(side_by_side(&of.split, figures));
    lines.extend(moves("tier", &of.tiers, usize::MAX, figures));
    lines.extend(moves("rule", &of.rules, RULES_LEN, figures));
    for class in of.classes.iter().filter(|class| class.changed > 0) {
        lines.push(plain(format!(
            "  {:>9}  of {} {}{}",
            count(class.changed),
            count(class.requests),
            class.class,
            share(class.changed, class.requests)
        )));
    }
    for undecidable in &of.undecidable {
        let text = format!(
            "  {:>9}  cannot be decided, signals are missing: {}",
            count(undecidable.requests),
            undecidable.tiers.join(" or ")
        );
        lines.push((text, Weight::Watch));
    }
    lines
}

/// How many requests each tier got, and would get.
fn side_by_side(split: &[TierCount], figures: Figures) -> Vec<ReplayLine> {
    let count = figures.count;
    if split.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![title("     went  would go  tier")];
    lines.extend(split.iter().map(|tier| {
        let (sign, by) = if tier.would_go >= tier.went {
            ("+", tier.would_go - tier.went)
        } else {
            ("-", tier.went - tier.would_go)
        };
        let change = if by == 0 {
            String::new()
        } else {
            format!("  {sign}{}", count(by))
        };
        plain(format!(
            "{:>9}  {:>8}  {}{change}",
            count(tier.went),
            count(tier.would_go),
            tier.tier
        ))
    }));
    lines
}

fn moves(what: &str, moves: &[Move], len_max: usize, figures: Figures) -> Vec<ReplayLine> {
    let listed = moves.iter().take(len_max);
    let mut lines: Vec<ReplayLine> = listed
        .map(|one| {
            let requests = (figures.count)(one.requests);
            plain(format!(
                "  {requests:>9}  {what} {} -> {}",
                one.from, one.to
            ))
        })
        .collect();
    if let Some(more) = moves.len().checked_sub(len_max).filter(|more| *more > 0) {
        lines.push(plain(format!(
            "             and {more} more pairs of rules"
        )));
    }
    lines
}

fn priced(of: &Replayed, figures: Figures) -> Vec<ReplayLine> {
    let head = "PRICED, if the new model writes as much";
    vec![match &of.priced {
        _ if of.changed == 0 => title(format!("{head}: nothing changes")),
        Err(because) => title(format!("{head}: not known, {because}")),
        Ok(priced) => title(format!(
            "{head}: {} to {} for the first calls of {} changed requests",
            signed(priced.low_usd, figures),
            signed(priced.high_usd, figures),
            (figures.count)(priced.requests)
        )),
    }]
}

fn estimated(of: &Replayed, figures: Figures) -> Vec<ReplayLine> {
    let of = match &of.estimated {
        Err(because) => return vec![title(format!("ESTIMATED: nothing, {because}"))],
        Ok(of) => of,
    };
    let mut lines = vec![title(format!(
        "ESTIMATED, {}, 95% intervals, from {} changed requests that ran on their new tier",
        of.method.words(),
        (figures.count)(of.supporting)
    ))];
    if of.method == Method::MatchedStrata {
        let text =
            "  ! assumes the six signals explain why a tier was chosen: no chances are logged";
        lines.push((text.to_owned(), Weight::Watch));
    }
    if of.one_session_in > 1 {
        lines.push(plain(format!(
            "  of one session in {}, taken whole",
            of.one_session_in
        )));
    }
    lines.extend(measures(of, figures).map(plain));
    lines
}

fn measures(of: &Estimated, figures: Figures) -> impl Iterator<Item = String> {
    let thousand = |value: f64| format!("{:+.1}", 1_000.0 * value);
    let row = |what: &str, estimate: Option<Estimate>, word: &dyn Fn(f64) -> String, unit: &str| {
        let figure = estimate.map_or_else(
            || "not logged".to_owned(),
            |of| {
                let (value, low, high) = (word(of.value), word(of.low), word(of.high));
                format!("{value:>10}  ({low} to {high}) {unit}")
            },
        );
        format!("  {what:<15}{figure}")
    };
    [
        row("first pass", of.first_pass, &thousand, "per 1,000 requests"),
        row("escalated", of.escalation, &thousand, "per 1,000 requests"),
        row("corrected", of.correction, &thousand, "per 1,000 requests"),
        row(
            "cost",
            of.cost_usd,
            &|value| signed(1_000.0 * value, figures),
            "per 1,000 requests",
        ),
        row(
            "median latency",
            of.latency_p50_ms,
            &|ms| format!("{ms:+.0}"),
            "ms",
        ),
    ]
    .into_iter()
}

fn signed(usd: f64, figures: Figures) -> String {
    let sign = if usd < 0.0 { "-" } else { "+" };
    format!("{sign}{}", (figures.usd)(usd.abs()))
}
