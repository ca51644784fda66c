//! The address of a host, checked before any of it reaches a command line.

use std::fmt;

/// The longest host name, as in DNS.
const HOST_LEN_MAX: usize = 253;
/// The longest user name.
const USER_LEN_MAX: usize = 64;

/// A host as `ssh` is told it: `[user@]host[:port]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    user: Option<String>,
    host: String,
    port: Option<u16>,
}

impl Address {
    /// Reads an address. Only characters that mean nothing to a shell or to `ssh` itself are taken, and
    /// none that could make a name an option.
    ///
    /// # Errors
    ///
    /// When it is none; the text says why.
    pub(in crate::ingest) fn parse(text: &str) -> Result<Self, &'static str> {
        let (user, rest) = match text.rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, text),
        };
        if user.is_some_and(|user| user.contains(':')) {
            return Err("a password in the address is not used: set up a key");
        }
        if !user.is_none_or(is_user) {
            return Err("the user name may hold letters, digits and . _ - only");
        }
        let (host, port) = split_port(rest).ok_or("the address is no host[:port]")?;
        if !is_host(host) {
            return Err("the host name may hold letters, digits and . _ - only");
        }
        let port = match port {
            Some(port) => Some(read_port(port).ok_or("the port is no number from 1 to 65535")?),
            None => None,
        };
        Ok(Self {
            user: user.map(str::to_owned),
            host: host.to_owned(),
            port,
        })
    }

    /// Returns the arguments that lead `ssh` there, up to the host; nothing after `--` is an option.
    pub(super) fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        if let Some(port) = self.port {
            arguments.extend(["-p".to_owned(), port.to_string()]);
        }
        if let Some(user) = &self.user {
            arguments.extend(["-l".to_owned(), user.clone()]);
        }
        arguments.extend(["--".to_owned(), self.host.clone()]);
        arguments
    }

    /// Returns the command that a person runs once by hand to answer what `ssh` asks.
    pub(super) fn command_by_hand(&self) -> String {
        let port = self
            .port
            .map_or(String::new(), |port| format!("-p {port} "));
        let user = self.user.as_ref();
        let user = user.map_or(String::new(), |user| format!("{user}@"));
        format!("ssh {port}{user}{} true", self.host)
    }
}

impl fmt::Display for Address {
    /// Writes `ssh://[user@]host[:port]`, with which the paths on the host begin.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ssh://")?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// Splits the port off; an IPv6 address stands in brackets, which are taken off.
fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(port),
            None if rest.is_empty() => None,
            None => return None,
        };
        let is_ipv6 = host.contains(':')
            && host
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
        return is_ipv6.then_some((host, port));
    }
    match text.split_once(':') {
        Some((host, port)) => Some((host, Some(port))),
        None => Some((text, None)),
    }
}

fn is_host(text: &str) -> bool {
    (1..=HOST_LEN_MAX).contains(&text.len())
        && !text.starts_with(['-', '.'])
        && text
            .bytes()
            .all(|byte| is_plain(byte) || (byte == b':' && text.matches(':').count() > 1))
}

fn is_user(text: &str) -> bool {
    (1..=USER_LEN_MAX).contains(&text.len()) && !text.starts_with('-') && text.bytes().all(is_plain)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

fn read_port(text: &str) -> Option<u16> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number
        .then(|| text.parse().ok())
        .flatten()
        .filter(|port| *port > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_read_and_written_back() {
        for (text, arguments) in [
            ("web", &["--", "web"][..]),
            (
                "web-1.example.com:2222",
                &["-p", "2222", "--", "web-1.example.com"],
            ),
            (
                "log_reader@10.0.0.7",
                &["-l", "log_reader", "--", "10.0.0.7"],
            ),
            (
                "a@[2001:db8::1]:22",
                &["-p", "22", "-l", "a", "--", "2001:db8::1"],
            ),
            ("[::1]", &["--", "::1"]),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(address.arguments(), arguments);
            assert_eq!(address.to_string(), format!("ssh://{text}"));
        }
        let address = Address::parse("ops@web:2222").unwrap();
        assert_eq!(address.command_by_hand(), "ssh -p 2222 ops@web true");
    }

    #[test]
    fn odd_addresses_are_refused() {
        for text in [
            "",
            "@",
            "@web",
            ":22",
            "web:",
            "web:0",
            "web:65536",
            "web:+22",
            "web:2 2",
            "web:22:23",
            "-oProxyCommand=id",
            "-web",
            ".web",
            "we b",
            "web;id",
            "web$(id)",
            "web`id`",
            "web|id",
            "web&id",
            "web>x",
            "we\nb",
            "we\tb",
            "we\0b",
            "web'",
            "web\"",
            "web\\",
            "web%h",
            "web*",
            "web?",
            "web#x",
            "web~",
            "web!",
            "w\u{e9}b",
            "-l@web",
            "a b@web",
            "a;id@web",
            "a:pw@web",
            "$(id)@web",
            "[::1",
            "[::1]22",
            "[web]",
            "[-oX]:22",
            "::1",
            "[::1%eth0]",
            "a/b",
            "[]:22",
        ] {
            assert!(Address::parse(text).is_err(), "{text:?}");
        }
        assert!(Address::parse(&"w".repeat(300)).is_err());
    }

    proptest! {
        #[test]
        fn what_is_taken_holds_no_option_and_nothing_a_shell_reads(text in ".{0,40}") {
            if let Ok(address) = Address::parse(&text) {
                let arguments = address.arguments();
                let place = arguments.iter().position(|word| word == "--").unwrap();
                prop_assert_eq!(place + 2, arguments.len());
                for word in arguments.iter().filter(|word| !["-p", "-l", "--"].contains(&word.as_str())) {
                    prop_assert!(!word.starts_with('-'));
                    prop_assert!(word.bytes().all(|byte| is_plain(byte) || byte == b':'));
                }
            }
        }
    }
}
