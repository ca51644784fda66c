//! What changed as text: the lines of the page, as long as they come.

use crate::app::view::changes::lines;
use crate::cli::report::style::Style;
use crate::cli::words::foreign;
use crate::stats::changes::Changes;

/// Renders the finding.
pub fn render(of: &Changes, style: Style) -> String {
    let mut out = String::new();
    for line in lines(of, usize::MAX, None, &|at| style.zone.format(at)) {
        let text = foreign(&line.text(), style.ascii);
        out.push_str(text.strip_prefix(' ').unwrap_or(&text).trim_end());
        out.push('\n');
    }
    out
}
