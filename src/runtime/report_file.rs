//! A report of what is shown, written to a new file in the current folder.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use crate::app::ExportFormat;
use crate::stats::Snapshot;

/// Renders an answer as a report; `database` is named in it.
pub type RenderReport = fn(&Snapshot, ExportFormat) -> String;

/// Writes the file and says where, or why not. No file is ever replaced.
pub(super) fn write(snapshot: &Snapshot, format: ExportFormat, render: RenderReport) -> String {
    let text = render(snapshot, format);
    let now = snapshot.query.now.to_string();
    let seconds = now.split('.').next().unwrap_or_default();
    let time: String = seconds
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let mut reason = String::new();
    for number in 0..100 {
        let more = if number == 0 {
            String::new()
        } else {
            format!("-{number}")
        };
        let name = format!("routetop-{time}{more}.{}", format.ending());
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&name);
        match made.and_then(|mut file| file.write_all(text.as_bytes())) {
            Ok(()) => {
                let folder = std::env::current_dir().unwrap_or_default();
                return format!("report written to {}", folder.join(name).display());
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                reason = error.to_string();
                break;
            }
        }
    }
    format!(
        "failed to write a report here: {reason}; start routetop in a folder that you may write to"
    )
}
