//! What the first lines of a source are, read as ingest would read them.

use std::collections::BTreeMap;

use crate::format::{Parsed, Parser, format_by_number};
use crate::model::Timestamp;

/// What some lines came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Look {
    /// How many lines there were.
    pub lines: u64,
    /// Lines by format name.
    pub formats: BTreeMap<&'static str, u64>,
    /// Rejected lines by reason, with what was wrong with the first.
    pub rejects: BTreeMap<&'static str, (u64, String)>,
    /// Lines that are no records.
    pub noise: u64,
}

impl Look {
    /// Reads the lines of `bytes`.
    pub fn add(&mut self, parser: &mut Parser, bytes: &[u8], now: Timestamp) {
        for line in bytes.split(|byte| *byte == b'\n') {
            match parser.parse(line, now) {
                Parsed::Blank => continue,
                Parsed::Noise => self.noise += 1,
                Parsed::Events { format, .. } => {
                    let name = format_by_number(format).map_or("unknown", |format| format.name);
                    *self.formats.entry(name).or_default() += 1;
                }
                Parsed::Rejected(reject) => {
                    self.rejects
                        .entry(reject.reason)
                        .or_insert((0, reject.detail))
                        .0 += 1;
                }
            }
            self.lines += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Rules;
    use crate::model::{HashKey, Names};

    #[test]
    fn lines_are_read_as_ingest_reads_them() {
        let mut parser = Parser::new(Names::default(), HashKey([0; 16]), Rules::default());
        let mut look = Look::default();
        let bytes =
            b"{\"event\":\"marker\",\"ts\":1,\"label\":\"x\"}\n\nINFO\n{\"a\":1}\n{\"a\":1}\n";
        look.add(&mut parser, bytes, Timestamp(0));
        assert_eq!((look.lines, look.noise), (4, 1));
        assert_eq!(look.formats["native"], 1);
        assert_eq!(look.rejects["unknown-format"].0, 2);
    }
}
