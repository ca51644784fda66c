//! The parser: one line in, what it says out.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::cursor::Orders;
use super::mapping::line;
use super::price;
use super::quick;
use super::reading::{Aside, NATIVE, Reading};
use super::registry::FORMATS;
use super::rules::Rules;
use super::scratch::Scratch;
use super::screen::{self, Look};
use crate::config::Price;
use crate::model::{Event, HashKey, Name, Names, Reject, Timestamp};

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub enum Parsed {
    /// Nothing: an empty line.
    Blank,
    /// No record: a banner, a traceback, prose, a log message in JSON.
    Noise,
    /// Events.
    Events {
        /// The format's number in [`FORMATS`].
        format: u8,
        /// The events, in order.
        events: SmallVec<[Event; 1]>,
    },
    /// A line that cannot be an event.
    Rejected(Reject),
}

/// Turns lines into events; owns the table of names that the events speak in.
#[derive(Debug)]
pub struct Parser {
    scratch: Scratch,
    orders: Orders,
    prices: Arc<[Price]>,
}

impl Parser {
    /// Makes a parser that goes on from `names`; sessions and ties are hashed with `key`.
    pub fn new(names: Names, key: HashKey, rules: Rules) -> Self {
        Self {
            prices: rules.prices,
            scratch: Scratch::new(names, key, rules.plan),
            orders: Orders::default(),
        }
    }

    /// Reads one line, without its newline.
    ///
    /// `read_at` is when it was read: a time more than a day after it marks an odd clock.
    pub fn parse(&mut self, line: &[u8], read_at: Timestamp) -> Parsed {
        if let Some(parsed) = self.read_quick(line, read_at) {
            return parsed;
        }
        let text = match screen::look(line) {
            Look::Blank => return Parsed::Blank,
            Look::Noise => return Parsed::Noise,
            Look::Rejected(reject) => return Parsed::Rejected(reject),
            Look::Object(text) => text,
        };
        match self.read(text, read_at) {
            Some(parsed) => parsed,
            None => match screen::tolerate(text) {
                Some(settled) => self
                    .read(&settled, read_at)
                    .unwrap_or_else(|| Parsed::Rejected(screen::broken(text))),
                None => Parsed::Rejected(screen::broken(text)),
            },
        }
    }

    /// Returns the table of names.
    pub fn names(&self) -> &Names {
        &self.scratch.names
    }

    /// Takes the unknown fields counted since the last take, with how often each was seen.
    pub fn take_unknown_fields(&mut self) -> Vec<(Name, u64)> {
        self.scratch.take_unknown()
    }

    /// Takes the records that tell nothing to be stored since the last take, by what they are.
    pub fn take_asides(&mut self) -> Vec<(Name, u64)> {
        self.scratch.take_asides()
    }

    /// Tells whether the user's mapping makes lines of that format carry corrections.
    pub fn maps_corrections_of(&self, format: u8) -> bool {
        let plan = self.scratch.plan.as_ref();
        plan.is_some_and(|plan| plan.maps_corrections_of(format))
    }

    /// Adds what the user's rules say to what the line says.
    fn apply_rules(&mut self, text: &str, format: u8, events: &mut SmallVec<[Event; 1]>) {
        if self.scratch.plan.is_some() {
            line::overlay(&mut self.scratch, text, format, events);
        }
        if self.prices.is_empty() {
            return;
        }
        for event in events {
            if let Event::Request(request) = event {
                price::estimate(&self.prices, &self.scratch.names, request);
            }
        }
    }

    /// Reads a native line as routers write it, which is what most lines are.
    fn read_quick(&mut self, line: &[u8], read_at: Timestamp) -> Option<Parsed> {
        let text = simdutf8::basic::from_utf8(line).ok()?;
        let request = quick::read(&mut self.scratch, &mut self.orders, text, read_at)?;
        let mut events = smallvec![Event::Request(request)];
        self.apply_rules(text, NATIVE, &mut events);
        Some(Parsed::Events {
            format: NATIVE,
            events,
        })
    }

    /// Returns what the user's mapping makes of a record that tells nothing by itself.
    fn explain_aside(&mut self, text: &str, aside: Aside) -> SmallVec<[Event; 1]> {
        let events = aside.about.map_or_else(SmallVec::new, |about| {
            line::explain(&self.scratch, text, aside.format, *about)
        });
        if events.is_empty() {
            self.scratch.count_aside(aside.what);
        }
        events
    }

    /// Offers the line to each format; `None`: it is no strict JSON.
    fn read(&mut self, text: &str, read_at: Timestamp) -> Option<Parsed> {
        for format in FORMATS {
            if !(format.detect)(text) {
                continue;
            }
            match (format.parse)(&mut self.scratch, text, read_at) {
                Reading::NotMine => {}
                Reading::Broken => return None,
                Reading::Rejected(reject) => return Some(Parsed::Rejected(reject)),
                Reading::Aside(aside) => {
                    let format = aside.format;
                    let events = self.explain_aside(text, aside);
                    return Some(Parsed::Events { format, events });
                }
                Reading::Events(format, mut events) => {
                    self.apply_rules(text, format, &mut events);
                    return Some(Parsed::Events { format, events });
                }
            }
        }
        match screen::last_look(text) {
            Look::Rejected(reject) if reject.reason == "not-json" => None,
            Look::Rejected(reject) => Some(Parsed::Rejected(reject)),
            _ => Some(Parsed::Noise),
        }
    }
}
