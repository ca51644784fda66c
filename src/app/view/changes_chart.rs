//! The share of bad requests over the baseline and the window, drawn with characters that every terminal and every
//! mail shows.

use crate::app::units;
use crate::model::{Minute, Timestamp};
use crate::stats::changes::{Changes, Tally};
use crate::stats::{Interval, wilson};

/// The columns before the chart: a share, and the axis.
const AXIS_LEN: usize = 7;
/// Fewer columns draw nothing, more than these nothing more.
const COLUMNS_MIN: usize = 10;
const COLUMNS_MAX: usize = 120;
/// A column is of so many requests,
const REQUESTS_MIN: u64 = 60;
/// as long as there are so many columns of either stretch.
const PARTS_MIN: usize = 5;
/// The border between the baseline and the window.
const BORDER: char = '|';

/// The requests that stand in one column.
#[derive(Debug, Clone, Copy)]
struct Column {
    from: Minute,
    tally: Tally,
    is_window: bool,
}

/// Draws `height` rows of at most `width` columns: `o` the share, `:` its 95 % interval, `|` where the window begins,
/// below it `^` the onset, and when it begins and ends. Nothing where there is no room or no request.
pub fn chart(
    of: &Changes,
    (width, height): (usize, usize),
    at: &dyn Fn(Timestamp) -> String,
) -> Vec<String> {
    let room = width.saturating_sub(AXIS_LEN + 1).min(COLUMNS_MAX);
    let columns = columns(of, room);
    let bands = columns.iter().map(|column| {
        let tally = column.tally;
        tally.share().zip(wilson(tally.bad, tally.requests))
    });
    let bands: Vec<Option<(f64, Interval)>> = bands.collect();
    let highest = bands.iter().flatten().map(|band| band.0);
    let highest = highest.fold(0.0, f64::max);
    if room < COLUMNS_MIN || height == 0 || columns.is_empty() || highest <= 0.0 {
        return Vec::new();
    }
    let top = (highest * 1.15).min(1.0);
    let border = columns.iter().position(|column| column.is_window);
    let step = top / as_share(height);
    let mut rows = Vec::with_capacity(height + 2);
    for row in (0..height).rev() {
        let low = step * as_share(row);
        let high = low + step;
        let label = if row % 2 == 0 {
            format!("{:>5}%", units::percent(low))
        } else {
            " ".repeat(AXIS_LEN - 1)
        };
        let cells = bands.iter().enumerate().map(|(place, band)| {
            let mark = band.map(|(share, interval)| {
                let is_share = (low..high).contains(&share) || (row == 0 && share <= 0.0);
                let is_near = interval.low < high && interval.high >= low;
                match (is_share, is_near) {
                    (true, _) => 'o',
                    (_, true) => ':',
                    _ => ' ',
                }
            });
            match mark.unwrap_or(' ') {
                ' ' | ':' if border == Some(place) => BORDER,
                mark => mark,
            }
        });
        let cells: String = cells.collect();
        rows.push(format!("{label}|{}", cells.trim_end()));
    }
    rows.push(axis(of, &columns));
    rows.push(ends(&columns, border, at));
    rows
}

/// Shares the columns out between the baseline and the window, each at least a fifth.
fn columns(of: &Changes, room: usize) -> Vec<Column> {
    let is_window =
        |minute: &Minute| minute.start() >= of.window.from && minute.start() < of.window.to;
    let (after, before): (Vec<_>, Vec<_>) = of
        .minutes
        .iter()
        .copied()
        .partition(|(minute, _)| is_window(minute));
    let whole = (after.len() + before.len()).max(1);
    let part = (room * after.len() / whole).clamp(room / 5, room - room / 5);
    let of_window = binned(&after, part, true);
    let of_baseline = binned(&before, room - part, false);
    let is_first = after.first().map(|row| row.0) < before.first().map(|row| row.0);
    let (mut first, second) = if is_first {
        (of_window, of_baseline)
    } else {
        (of_baseline, of_window)
    };
    first.extend(second);
    first
}

fn binned(minutes: &[(Minute, Tally)], columns: usize, is_window: bool) -> Vec<Column> {
    // Of few requests a column each would show their chance, and not how they fare.
    let requests: u64 = minutes.iter().map(|(_, tally)| tally.requests).sum();
    let worth = usize::try_from(requests / REQUESTS_MIN).unwrap_or(columns);
    let columns = columns.min(worth.max(PARTS_MIN));
    let len = minutes.len().div_ceil(columns.max(1)).max(1);
    minutes
        .chunks(len)
        .filter_map(|chunk| {
            let mut tally = Tally::default();
            for (_, one) in chunk {
                tally.join(*one);
            }
            Some(Column {
                from: chunk.first()?.0,
                tally,
                is_window,
            })
        })
        .collect()
}

/// Draws the axis with the onset on it.
fn axis(of: &Changes, columns: &[Column]) -> String {
    let onset = of.since.or_else(|| of.causes.first()?.since);
    let place = onset.and_then(|onset| columns.iter().rposition(|column| column.from <= onset.at));
    let line: String = (0..columns.len())
        .map(|column| if Some(column) == place { '^' } else { '-' })
        .collect();
    format!("{}+{line}", " ".repeat(AXIS_LEN - 1))
}

/// Says when the chart begins, and when the window does.
fn ends(columns: &[Column], border: Option<usize>, at: &dyn Fn(Timestamp) -> String) -> String {
    let mut line = " ".repeat(AXIS_LEN);
    let Some(first) = columns.first() else {
        return line;
    };
    line.push_str(&at(first.from.start()));
    let border = border.filter(|border| *border > 0);
    if let Some((place, column)) = border.and_then(|place| Some((place, columns.get(place)?))) {
        let room = (AXIS_LEN + place).saturating_sub(line.chars().count());
        line.push_str(&" ".repeat(room.max(1)));
        line.push_str(&at(column.from.start()));
    }
    line
}

#[expect(clippy::cast_precision_loss, reason = "rows of a chart are few")]
fn as_share(rows: usize) -> f64 {
    rows as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixture_changes::changes;
    use crate::app::fixtures::NOW;

    fn drawn(of: &Changes, size: (usize, usize)) -> Vec<String> {
        chart(of, size, &|at| format!("{}Z", units::minute(at)))
    }

    #[test]
    fn the_rise_and_its_onset_are_seen() {
        insta::assert_snapshot!(drawn(&changes(NOW), (80, 8)).join("\n"));
    }

    #[test]
    fn no_row_is_wider_than_the_room_and_no_request_draws_nothing() {
        let mut of = changes(NOW);
        for width in 0..150 {
            let rows = drawn(&of, (width, 5));
            let widest = rows.iter().take(6).map(|row| row.chars().count()).max();
            assert!(widest.unwrap_or(0) <= width, "{width}: {rows:?}");
        }
        of.minutes.clear();
        assert!(drawn(&of, (80, 8)).is_empty());
    }
}
