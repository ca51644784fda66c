//! A policy: what it says, its identity, and its text.

use sha2::{Digest, Sha256};

use super::lex::{Kind, Token};
use super::rule::{Escalation, Expect, Explore, Rule, Tier, TierIdx};
use super::vocabulary::Vocabulary;

/// How many hexadecimal digits of the hash an id carries.
const HASH_LEN: usize = 12;

/// One sentence of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) kind: ItemKind,
    /// The byte at which it starts.
    pub(super) start: usize,
}

/// What a sentence says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemKind {
    Header,
    Declaration,
    Tier,
    Rule,
    Otherwise,
    Escalation,
    Stop,
    Explore,
    Expect,
}

/// What the parser gathers.
#[derive(Debug, Default)]
pub(super) struct PolicyParts {
    pub(super) name: String,
    pub(super) version: u32,
    pub(super) vocabulary: Vocabulary,
    pub(super) tiers: Vec<Tier>,
    pub(super) rules: Vec<Rule>,
    pub(super) escalations: Vec<Escalation>,
    pub(super) stop: Option<u32>,
    pub(super) explore: Option<Explore>,
    pub(super) expects: Vec<Expect>,
    pub(super) items: Vec<Item>,
}

/// A routing policy that can be read aloud, and that decides.
#[derive(Debug, Clone)]
pub struct Policy {
    name: String,
    version: u32,
    id: String,
    text: String,
    vocabulary: Vocabulary,
    tiers: Vec<Tier>,
    /// In order; the last is `otherwise`.
    rules: Vec<Rule>,
    escalations: Vec<Escalation>,
    stop: Option<u32>,
    explore: Option<Explore>,
    expects: Vec<Expect>,
    tokens: Vec<Token>,
    items: Vec<Item>,
}

impl Policy {
    pub(super) fn new(text: &str, tokens: Vec<Token>, parts: PolicyParts) -> Self {
        let hash = hash(&tokens, &parts.items);
        Self {
            id: format!("{}@{}#{hash}", parts.name, parts.version),
            name: parts.name,
            version: parts.version,
            text: text.to_owned(),
            vocabulary: parts.vocabulary,
            tiers: parts.tiers,
            rules: parts.rules,
            escalations: parts.escalations,
            stop: parts.stop,
            explore: parts.explore,
            expects: parts.expects,
            tokens,
            items: parts.items,
        }
    }

    /// Returns the identity, `name@version#hash`: the hash is the first 12 hexadecimal digits of
    /// SHA-256 over the canonical tokens, so that layout and comments make no other policy.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the version.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Returns the text as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the words that it may use.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Returns the tiers from the weakest to the strongest.
    pub fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    /// Returns the rules in order; the last one is `otherwise` and has no clauses.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Returns the steps up that it allows.
    pub fn escalations(&self) -> &[Escalation] {
        &self.escalations
    }

    /// Returns how many escalations a request may take; one, where no line says otherwise.
    pub fn stop(&self) -> u32 {
        self.stop.unwrap_or(1)
    }

    /// Returns whether and how it flips coins.
    pub fn explore(&self) -> Option<Explore> {
        self.explore
    }

    /// Returns the tests that stand in the text.
    pub fn expects(&self) -> &[Expect] {
        &self.expects
    }

    /// Returns the name of a tier.
    pub fn tier_name(&self, tier: TierIdx) -> &str {
        self.tiers.get(tier).map_or("", |tier| &tier.name)
    }

    /// Returns the tiers that a model counts as.
    pub fn tiers_of(&self, model: &str) -> impl Iterator<Item = TierIdx> {
        self.tiers
            .iter()
            .enumerate()
            .filter(move |(_, tier)| tier.models.iter().any(|known| known == model))
            .map(|(idx, _)| idx)
    }

    pub(super) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }
}

/// `expect` lines are tests and no part of what is hashed: they stand last.
fn hash(tokens: &[Token], items: &[Item]) -> String {
    let end = items
        .iter()
        .find(|item| item.kind == ItemKind::Expect)
        .map_or(usize::MAX, |item| item.start);
    let canonical: Vec<String> = tokens
        .iter()
        .filter(|token| token.kind != Kind::Comment && token.span.start < end)
        .map(Token::canonical)
        .collect();
    let mut hex = String::new();
    for byte in Sha256::digest(canonical.join(" ").as_bytes()) {
        hex.push_str(&format!("{byte:02x}"));
    }
    hex.truncate(HASH_LEN);
    hex
}
