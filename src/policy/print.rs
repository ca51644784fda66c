//! A policy in its usual layout: one sentence an item, one clause a line, comments where they stood.
//!
//! The printer lays out the tokens anew and changes none of them but the spelling of numbers, so that
//! what it prints is the same policy with the same hash.

use super::lex::{Kind, Token, decimal};
use super::policy::{Item, ItemKind, Policy};

impl Policy {
    /// Returns the text in its usual layout. Printing what was printed changes nothing.
    pub fn format(&self) -> String {
        let mut printer = Printer::default();
        let mut items = self.items().iter().peekable();
        let mut line_before = 0;
        for token in self.tokens() {
            if let Some(item) = items.next_if(|item| item.start == token.span.start) {
                printer.start(*item);
            }
            printer.token(token, token.span.line == line_before);
            line_before = token.span.line;
        }
        printer.finish()
    }
}

#[derive(Debug, Default)]
struct Printer {
    out: String,
    /// The item being printed.
    item: Option<ItemKind>,
    /// Comments of a line of their own that wait for what they stand above.
    comments: Vec<String>,
    /// Whether the line so far ends with a comment.
    is_line_closed: bool,
}

impl Printer {
    fn start(&mut self, item: Item) {
        let is_apart = match (self.item, item.kind) {
            (None, _) => false,
            (Some(before), now) => before != now || now == ItemKind::Rule,
        };
        self.end_line();
        if is_apart {
            self.out.push('\n');
        }
        self.item = Some(item.kind);
        self.print_comments("");
    }

    fn token(&mut self, token: &Token, is_same_line: bool) {
        if token.kind == Kind::Comment {
            let is_first = self.out.is_empty() || self.out.ends_with('\n');
            if is_same_line && !is_first && self.comments.is_empty() {
                self.out.push_str("  ");
                self.out.push_str(&token.text);
                self.is_line_closed = true;
            } else {
                self.comments.push(token.text.clone());
            }
            return;
        }
        if let Some(indent) = self.break_before(token) {
            self.end_line();
            self.print_comments("  ");
            self.out.push_str(indent);
        } else if !self.out.is_empty()
            && !self.out.ends_with('\n')
            && !matches!(token.kind, Kind::Comma | Kind::Colon)
        {
            self.out.push(' ');
        }
        match token.kind {
            Kind::Number(value) => self.out.push_str(&decimal(value)),
            _ => self.out.push_str(&token.text),
        }
    }

    /// Returns the indent of the new line that `token` starts, if it does inside its item.
    fn break_before(&self, token: &Token) -> Option<&'static str> {
        let is_first = self.out.is_empty() || self.out.ends_with('\n');
        let usual = match (self.item, token.text.as_str(), &token.kind) {
            _ if is_first => None,
            (Some(ItemKind::Rule), "when" | "use" | "because", Kind::Word) => Some("  "),
            (Some(ItemKind::Rule), "and", Kind::Word) => Some("   "),
            (Some(ItemKind::Otherwise | ItemKind::Escalation), "because", Kind::Word) => Some("  "),
            _ => None,
        };
        let must = !is_first && (self.is_line_closed || !self.comments.is_empty());
        usual.or_else(|| must.then_some("    "))
    }

    fn end_line(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
        self.is_line_closed = false;
    }

    fn print_comments(&mut self, indent: &str) {
        for comment in std::mem::take(&mut self.comments) {
            self.out.push_str(indent);
            self.out.push_str(&comment);
            self.out.push('\n');
        }
    }

    fn finish(mut self) -> String {
        self.end_line();
        if !self.comments.is_empty() && !self.out.is_empty() {
            self.out.push('\n');
        }
        self.print_comments("");
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture::essay;

    #[test]
    fn the_shipped_policies_are_in_their_usual_layout() {
        for text in [
            include_str!("../../assets/policies/essay.route"),
            include_str!("../../assets/policies/starter.route"),
        ] {
            assert_eq!(Policy::parse(text).unwrap().format(), text);
        }
    }

    #[test]
    fn comments_stay_and_the_hash_does() {
        let text = "# top\npolicy \"p\" # name\n version 1 tier a is x # weak\n# above\ntier b is y
            rule r: # first\n when the task is planning # c\n # own\n and tools are required use b because \"z\"
            otherwise use a # end\n # last";
        let policy = Policy::parse(text).unwrap();
        let printed = policy.format();
        let again = Policy::parse(&printed).unwrap();
        assert_eq!(again.id(), policy.id());
        assert_eq!(again.format(), printed);
        for comment in [
            "top", "name", "weak", "above", "first", "c", "own", "end", "last",
        ] {
            let mark = format!("# {comment}\n");
            assert_eq!(printed.matches(&mark).count(), 1, "{comment}:\n{printed}");
        }
        assert!(
            printed.contains("tier a is x  # weak\n# above\ntier b is y\n"),
            "{printed}"
        );
    }

    #[test]
    fn the_essay_has_the_published_id() {
        assert_eq!(essay().id(), "essay@1#8a592a9285a1");
    }
}
