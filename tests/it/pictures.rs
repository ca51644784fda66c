//! The pictures in the README: pages of the dashboard over the demo's data, as they are drawn now.
//!
//! `ROUTETOP_PICTURES=1 cargo test --test it pictures` draws them anew into `assets/screens`.

use std::path::{Path, PathBuf};

use crate::pty::Session;
use crate::support::{pause, run_ok, wait_for};

/// The clock of the demo's stream and of the dashboard.
const NOW: &str = "2026-11-25T00:05:38Z";
const SIZE: (u16, u16) = (120, 36);
/// Cells in pixels.
const CELL: (f64, f64) = (8.4, 17.0);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/screens")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Draws what a terminal shows: on light or dark, as the reader's page is.
fn svg(screen: &vt100::Screen, title: &str) -> String {
    let (width, height) = (
        f64::from(SIZE.0) * CELL.0 + 20.0,
        f64::from(SIZE.1) * CELL.1 + 20.0,
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" xml:space=\"preserve\" role=\"img\" aria-label=\"{title}\">\n\
         <style>\
         text{{font:14px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#24292f;white-space:pre}}\
         .p{{fill:#fff;stroke:#d0d7de}}.b{{font-weight:bold}}.d{{fill:#6e7781}}.r{{fill:#c0182b}}.m{{fill:#8b1a9b}}.s{{fill:#24292f}}.i{{fill:#fff}}\
         @media(prefers-color-scheme:dark){{text{{fill:#d6dce2}}.p{{fill:#101418;stroke:#30363d}}.d{{fill:#8b949e}}\
         .r{{fill:#ff6b6b}}.m{{fill:#e08bf0}}.s{{fill:#d6dce2}}.i{{fill:#101418}}}}\
         </style>\n<rect class=\"p\" x=\"1\" y=\"1\" width=\"{:.0}\" height=\"{:.0}\" rx=\"6\"/>\n",
        width - 2.0,
        height - 2.0
    );
    for row in 0..SIZE.1 {
        let mut runs: Vec<(u16, u16, String, String)> = Vec::new();
        for column in 0..SIZE.0 {
            let Some(cell) = screen.cell(row, column) else {
                continue;
            };
            let mut class = String::new();
            let colour = match cell.fgcolor() {
                vt100::Color::Idx(1) => "r",
                vt100::Color::Idx(5) => "m",
                vt100::Color::Default => "",
                other => panic!("a colour without a meaning: {other:?}"),
            };
            for (is, letter) in [
                (cell.bold(), "b"),
                (cell.dim(), "d"),
                (!cell.inverse() && !colour.is_empty(), colour),
                (cell.inverse(), "i"),
            ] {
                if is {
                    class.push_str(if class.is_empty() { "" } else { " " });
                    class.push_str(letter);
                }
            }
            let text = if cell.has_contents() {
                cell.contents()
            } else {
                " "
            };
            match runs.last_mut() {
                Some(run) if run.3 == class => {
                    run.1 += 1;
                    run.2.push_str(text);
                }
                _ => runs.push((column, 1, text.to_owned(), class)),
            }
        }
        let y = 10.0 + f64::from(row) * CELL.1;
        for (column, len, text, class) in runs {
            let is_inverse = class.split(' ').any(|letter| letter == "i");
            if text.trim().is_empty() && !is_inverse {
                continue;
            }
            let blanks = text.len() - text.trim_start().len();
            let blanks = if is_inverse {
                0
            } else {
                u16::try_from(blanks).unwrap()
            };
            let text = if is_inverse {
                text.as_str()
            } else {
                text.trim()
            };
            let cells = if is_inverse {
                len
            } else {
                u16::try_from(text.chars().count()).unwrap()
            };
            let x = 10.0 + f64::from(column + blanks) * CELL.0;
            let wide = f64::from(cells) * CELL.0;
            if is_inverse {
                out.push_str(&format!(
                    "<rect class=\"s\" x=\"{x:.1}\" y=\"{y:.0}\" width=\"{wide:.1}\" height=\"{:.0}\"/>\n",
                    CELL.1
                ));
            }
            let class = if class.is_empty() {
                String::new()
            } else {
                format!(" class=\"{class}\"")
            };
            out.push_str(&format!(
                "<text{class} x=\"{x:.1}\" y=\"{:.0}\" textLength=\"{wide:.1}\">{}</text>\n",
                y + 13.0,
                escaped(text)
            ));
        }
    }
    out.push_str("</svg>\n");
    out
}

/// Waits until the screen stays as it is, and draws it.
fn picture(session: &Session, title: &str) -> String {
    let mut before = String::new();
    wait_for("a page that stays", 30, || {
        pause(std::time::Duration::from_millis(400));
        let now = session.screen();
        std::mem::replace(&mut before, now) == session.screen()
    });
    let mut terminal = vt100::Parser::new(SIZE.1, SIZE.0, 0);
    terminal.process(&session.bytes());
    svg(terminal.screen(), title)
}

#[test]
fn the_pictures_show_the_pages_as_they_are() {
    let work = tempfile::tempdir().unwrap();
    let work = work.path();
    run_ok(work, ["demo", "--out", "demo.jsonl", "--now", NOW]);
    run_ok(work, ["ingest", "-q", "--db", "routes.db", "demo.jsonl"]);
    let mut session = Session::dashboard(work, &["--db", "routes.db", "--now", NOW], SIZE);
    session.sees("support-chat: corrections");
    let mut pictures = vec![("overview", picture(&session, "all routes, trouble first"))];
    session.press("w");
    session.sees("WHO IS HIT");
    pictures.push(("changes", picture(&session, "what changed, and for whom")));
    session.press("2");
    session.sees("WHY ESCALATED");
    pictures.push(("route", picture(&session, "one route")));
    session.press("3");
    session.sees("following the newest");
    session.press("/lang=de corrected escalated\r");
    session.sees("Esc drops the last");
    pictures.push(("decisions", picture(&session, "decisions through a filter")));
    session.press("q");
    let (code, _) = session.end(10);
    assert_eq!(code, 0);
    let is_update = std::env::var_os("ROUTETOP_PICTURES").is_some();
    for (name, drawn) in pictures {
        let path = folder().join(format!("{name}.svg"));
        if is_update {
            std::fs::create_dir_all(folder()).unwrap();
            std::fs::write(&path, &drawn).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == drawn,
            "{} shows another page: `ROUTETOP_PICTURES=1 cargo test --test it pictures` draws it anew",
            path.display()
        );
    }
}
