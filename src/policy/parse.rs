//! From tokens to a policy. The grammar is LL(1), one sentence an item; a wrong word of the
//! vocabulary does not end the reading, so that every fault of a text is told at once.

use super::cursor::Cursor;
use super::error::{Fault, PolicyError};
use super::lex::{Kind, Token, lex};
use super::parse_clause::{clause, number, out_of_range, what_of};
use super::parse_declaration::{class, signal};
use super::policy::{Item, ItemKind, Policy, PolicyParts};
use super::rule::{Clause, Escalation, Expect, Explore, Rule, Tier, TierIdx};
use super::span::Span;
use super::vocabulary::{SignalIdx, SignalKind, TASK_CLASS, TRIGGERS, Trigger};
use crate::config::nearest;
use crate::stats::Given;

/// The longest text of a policy, in bytes.
pub const TEXT_LEN_MAX: usize = 1 << 20;
/// The order of the items, for hints.
const ORDER: &str = "the order is: policy, class and signal, tier, rule, otherwise, escalate, stop, explore, expect";
/// Names that a decision uses for something else than a rule.
const TAKEN_NAMES: [&str; 1] = ["explore"];

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    ///
    /// When the text is no policy; every fault is told with its line, its column and what was meant.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        parse(text)
    }
}

fn parse(text: &str) -> Result<Policy, PolicyError> {
    let one = |fault| PolicyError {
        faults: vec![fault],
    };
    if text.len() > TEXT_LEN_MAX {
        let span = Span {
            line: 1,
            column: 1,
            ..Span::default()
        };
        return Err(one(Fault::new(text, span, "the text is longer than 1 MiB")));
    }
    let tokens = lex(text).map_err(one)?;
    let mut parser = Parser {
        cursor: Cursor::new(text, &tokens),
        parts: PolicyParts::default(),
        faults: Vec::new(),
    };
    if let Err(fault) = parser.policy() {
        parser.faults.push(fault);
    }
    let Parser {
        parts, mut faults, ..
    } = parser;
    faults.sort_by_key(|fault| (fault.line, fault.column));
    faults.dedup();
    if faults.is_empty() {
        Ok(Policy::new(text, tokens, parts))
    } else {
        Err(PolicyError { faults })
    }
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    parts: PolicyParts,
    faults: Vec<Fault>,
}

impl Parser<'_> {
    fn policy(&mut self) -> Result<(), Fault> {
        self.header()?;
        loop {
            if self.starts("class", ItemKind::Declaration) {
                class(&mut self.cursor, &mut self.parts.vocabulary)?;
            } else if self.starts("signal", ItemKind::Declaration) {
                signal(
                    &mut self.cursor,
                    &mut self.parts.vocabulary,
                    &mut self.faults,
                )?;
            } else {
                break;
            }
        }
        while self.starts("tier", ItemKind::Tier) {
            self.tier()?;
        }
        while self.starts("rule", ItemKind::Rule) {
            self.rule()?;
        }
        self.otherwise()?;
        while self.starts("escalate", ItemKind::Escalation) {
            self.escalation()?;
        }
        if self.starts("stop", ItemKind::Stop) {
            self.stop()?;
        }
        if self.starts("explore", ItemKind::Explore) {
            self.explore()?;
        }
        while self.starts("expect", ItemKind::Expect) {
            self.expect()?;
        }
        if self.cursor.peek().is_some() {
            return Err(self.out_of_order("`expect` or the end of the text"));
        }
        Ok(())
    }

    /// Takes the first word of an item and notes where the item starts.
    fn starts(&mut self, word: &str, kind: ItemKind) -> bool {
        let start = self.cursor.peek().map(|token| token.span.start);
        let is_there = self.cursor.eat(word);
        if let Some(start) = start.filter(|_| is_there) {
            self.parts.items.push(Item { kind, start });
        }
        is_there
    }

    fn out_of_order(&self, expected: &str) -> Fault {
        let fault = self.cursor.expected(expected);
        let hint = match self.cursor.peek() {
            Some(token) if token.kind == Kind::Colon => {
                "a name that holds `:` is written in quotes".to_owned()
            }
            Some(token) if token.text == "or" => {
                "a rule has only \"and\"; write a second rule".to_owned()
            }
            _ => ORDER.to_owned(),
        };
        fault.hinted(Some(hint))
    }

    fn header(&mut self) -> Result<(), Fault> {
        if !self.starts("policy", ItemKind::Header) {
            return Err(self.cursor.expected("`policy`").hinted(Some(
                "a policy starts with `policy \"name\" version 1`".to_owned(),
            )));
        }
        let name = self.cursor.need_text()?;
        let is_fit = |char: char| char.is_alphanumeric() || "-_./".contains(char);
        if name.bare().is_empty() || !name.bare().chars().all(is_fit) {
            self.faults.push(self.cursor.fault(
                name.span,
                "a policy's name has letters, digits, `-`, `_`, `.` and `/` only",
            ));
        }
        name.bare().clone_into(&mut self.parts.name);
        self.cursor.need("version")?;
        self.parts.version = self.cursor.need_whole()?.0;
        Ok(())
    }

    fn tier(&mut self) -> Result<(), Fault> {
        let name = self.cursor.need_name("a name for the tier")?;
        if self.parts.tiers.iter().any(|tier| tier.name == name.text) {
            let message = format!("tier {} is named twice", name.text);
            self.faults.push(self.cursor.fault(name.span, message));
        }
        self.cursor.need("is")?;
        let mut models = Vec::new();
        loop {
            let model = self.cursor.need_name_or_text("a model")?;
            models.push(model.bare().to_owned());
            if !self.cursor.eat("or") {
                break;
            }
        }
        self.parts.tiers.push(Tier {
            name: name.text.clone(),
            models,
        });
        Ok(())
    }

    fn tier_named(&mut self) -> Result<TierIdx, Fault> {
        let token = self.cursor.need_name("a tier")?;
        let tiers = &self.parts.tiers;
        let found = tiers.iter().position(|tier| tier.name == token.text);
        if found.is_none() {
            let names = tiers.iter().map(|tier| tier.name.as_str());
            let meant = nearest(&token.text, names);
            let message = format!(
                "tier {} is used but no line says which model it is",
                token.text
            );
            let hint = meant.map_or_else(
                || format!("write `tier {} is MODEL` above the rules", token.text),
                |meant| format!("did you mean `{meant}`?"),
            );
            let fault = self.cursor.fault(token.span, message).hinted(Some(hint));
            self.faults.push(fault);
        }
        Ok(found.unwrap_or_default())
    }

    fn rule(&mut self) -> Result<(), Fault> {
        let name = self.cursor.need_name("a name for the rule")?;
        if TAKEN_NAMES.contains(&name.text.as_str()) {
            let message = format!(
                "`{}` is what decisions by coin record as their rule",
                name.text
            );
            self.faults.push(self.cursor.fault(name.span, message));
        }
        if self.parts.rules.iter().any(|rule| rule.name == name.text) {
            let message = format!("rule {} is named twice", name.text);
            self.faults.push(self.cursor.fault(name.span, message));
        }
        self.cursor.need_colon()?;
        self.cursor.need("when")?;
        let clauses = self.clauses()?;
        if !self.cursor.is_at("use") {
            let fault = self.cursor.expected("`use`");
            let is_or = self.cursor.is_at("or") || self.cursor.is_at(",");
            let hint = "a rule has only \"and\"; write a second rule".to_owned();
            return Err(fault.hinted(is_or.then_some(hint)));
        }
        self.finish_rule(name, clauses)
    }

    fn finish_rule(&mut self, name: &Token, clauses: Vec<Clause>) -> Result<(), Fault> {
        self.cursor.need("use")?;
        let tier = self.tier_named()?;
        let because = self.because()?;
        self.parts.rules.push(Rule {
            name: name.text.clone(),
            clauses,
            tier,
            because,
            span: name.span,
        });
        Ok(())
    }

    fn clauses(&mut self) -> Result<Vec<Clause>, Fault> {
        let mut clauses = Vec::new();
        loop {
            clauses.push(clause(
                &mut self.cursor,
                &self.parts.vocabulary,
                &mut self.faults,
            )?);
            if !self.cursor.eat("and") {
                return Ok(clauses);
            }
        }
    }

    fn because(&mut self) -> Result<Option<String>, Fault> {
        if self.cursor.eat("because") {
            Ok(Some(self.cursor.need_text()?.bare().to_owned()))
        } else {
            Ok(None)
        }
    }

    fn otherwise(&mut self) -> Result<(), Fault> {
        let Some(token) = self.cursor.peek() else {
            return Err(self.cursor.expected("`otherwise`"));
        };
        if !self.starts("otherwise", ItemKind::Otherwise) {
            return Err(self.out_of_order("`otherwise`"));
        }
        self.finish_rule(token, Vec::new())
    }

    fn escalation(&mut self) -> Result<(), Fault> {
        let span = self.cursor.peek().map_or_else(Span::default, |t| t.span);
        let from = self.tier_named()?;
        self.cursor.need("to")?;
        let to = self.tier_named()?;
        self.cursor.need("when")?;
        let trigger = self.trigger()?;
        let clauses = if self.cursor.eat("and") {
            self.clauses()?
        } else {
            Vec::new()
        };
        let because = self.because()?;
        self.parts.escalations.push(Escalation {
            from,
            to,
            trigger,
            clauses,
            because,
            span,
        });
        Ok(())
    }

    fn trigger(&mut self) -> Result<Trigger, Fault> {
        self.cursor.need("the")?;
        let mut fitting: Vec<(Trigger, std::str::SplitWhitespace<'_>)> = TRIGGERS
            .iter()
            .map(|trigger| (*trigger, trigger.words.split_whitespace()))
            .collect();
        loop {
            let expected: Vec<&str> = fitting
                .iter_mut()
                .filter_map(|(_, words)| words.next())
                .collect();
            let next = self.cursor.peek();
            let word = next.map_or("", |token| token.text.as_str());
            let mut place = expected.iter();
            let before = fitting.clone();
            fitting.retain(|_| place.next() == Some(&word));
            if fitting.is_empty() {
                return Err(self.no_trigger(&before, &expected));
            }
            self.cursor.next();
            if let [(trigger, words)] = fitting.as_slice()
                && words.clone().next().is_none()
            {
                return Ok(*trigger);
            }
        }
    }

    fn no_trigger(
        &self,
        fitting: &[(Trigger, std::str::SplitWhitespace<'_>)],
        expected: &[&str],
    ) -> Fault {
        let words: Vec<String> = expected.iter().map(|word| format!("`{word}`")).collect();
        let triggers: Vec<String> = fitting
            .iter()
            .map(|(trigger, _)| format!("the {}", trigger.words))
            .collect();
        self.cursor
            .expected(&words.join(" or "))
            .hinted(Some(format!(
                "an escalation waits for: {}",
                triggers.join(", ")
            )))
    }

    fn stop(&mut self) -> Result<(), Fault> {
        self.cursor.need("after")?;
        self.parts.stop = Some(self.cursor.need_whole()?.0);
        if !self.cursor.eat("escalation") {
            self.cursor.need("escalations")?;
        }
        Ok(())
    }

    fn explore(&mut self) -> Result<(), Fault> {
        let (percent, span) = self.cursor.need_number()?;
        if !(0.0..=100.0).contains(&percent) {
            let message = format!("a share runs from 0 to 100 percent, {percent} is none");
            self.faults.push(self.cursor.fault(span, message));
        }
        self.cursor.need("percent")?;
        self.cursor.need("between")?;
        let first = self.tier_named()?;
        self.cursor.need("and")?;
        let second_span = self.cursor.peek().map_or(span, |token| token.span);
        let second = self.tier_named()?;
        if first == second && self.parts.tiers.len() > 1 {
            let message = "a coin needs two different tiers";
            self.faults.push(self.cursor.fault(second_span, message));
        }
        self.parts.explore = Some(Explore {
            share: percent / 100.0,
            between: [first, second],
        });
        Ok(())
    }

    fn expect(&mut self) -> Result<(), Fault> {
        // The word `expect` is taken already.
        let start = self.cursor.place().saturating_sub(1);
        let rule = if let Some(token) = self.cursor.peek().filter(|t| t.text == "otherwise") {
            self.cursor.next();
            token
        } else {
            self.cursor.need_name("a rule")?
        };
        let rules = &self.parts.rules;
        if !rules.iter().any(|known| known.name == rule.text) {
            let names = rules.iter().map(|rule| rule.name.as_str());
            self.faults.push(self.cursor.unknown(rule, "rule", names));
        }
        self.cursor.need("for")?;
        let class = self.cursor.need_name("a task class")?;
        let mut signals = vec![(TASK_CLASS, self.word_value(TASK_CLASS, class))];
        while self.cursor.eat("with") || self.cursor.eat("and") {
            signals.push(self.signal_value()?);
        }
        self.parts.expects.push(Expect {
            rule: rule.text.clone(),
            signals,
            text: self.cursor.written_since(start),
            span: rule.span,
        });
        Ok(())
    }

    fn signal_value(&mut self) -> Result<(SignalIdx, Given), Fault> {
        let token = self.cursor.need_name("a signal")?;
        let Some(signal) = self.parts.vocabulary.find(&token.text) else {
            let names = self.parts.vocabulary.signals().iter();
            return Err(self.cursor.unknown(
                token,
                "signal",
                names.map(|signal| signal.name.as_str()),
            ));
        };
        let kind = self.parts.vocabulary.signal(signal).map(|s| s.kind.clone());
        let Some(value) = self.cursor.next() else {
            return Err(self.cursor.expected("a value"));
        };
        let given = match (value.text.as_str(), kind) {
            ("unknown", _) => Given::Unknown,
            ("yes", Some(SignalKind::YesNo)) => Given::YesNo(true),
            ("no", Some(SignalKind::YesNo)) => Given::YesNo(false),
            (_, Some(SignalKind::YesNo)) => {
                let fault = self
                    .cursor
                    .unknown(value, "answer", ["yes", "no", "unknown"]);
                self.faults.push(fault);
                Given::Unknown
            }
            (_, Some(SignalKind::Words { .. })) => self.word_value(signal, value),
            _ => self.number_value(signal, value),
        };
        Ok((signal, given))
    }

    fn number_value(&mut self, signal: SignalIdx, token: &Token) -> Given {
        let Some((number, span)) = number(token) else {
            let message = format!("`{}` is no number", token.text);
            self.faults.push(self.cursor.fault(token.span, message));
            return Given::Unknown;
        };
        if let Some(message) = out_of_range(&self.parts.vocabulary, signal, number) {
            self.faults.push(self.cursor.fault(span, message));
        }
        Given::Number(number)
    }

    fn word_value(&mut self, signal: SignalIdx, token: &Token) -> Given {
        let words = self.parts.vocabulary.words(signal);
        if !words.iter().any(|word| word == token.bare()) {
            let what = what_of(&self.parts.vocabulary, signal);
            let words = words.iter().map(String::as_str);
            self.faults.push(self.cursor.unknown(token, &what, words));
        }
        Given::Word(token.bare().to_owned())
    }
}
