//! The answers of the far end, told apart from whatever else the connection says.
//!
//! An answer begins with a line of mark and words and ends with a line of mark and `end`; the mark is
//! random for each connection, so that neither a banner nor a log line is taken for one.

/// How many bytes that are no answer are borne between two answers.
const NOISE_LEN_MAX: usize = 1024 * 1024;
/// The longest first line of an answer.
const WORDS_LEN_MAX: usize = 256;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    /// The words of its first line.
    pub(super) words: Vec<String>,
    /// The bytes between its lines.
    pub(super) bytes: Vec<u8>,
    /// Whether its last line came.
    pub(super) is_whole: bool,
}

/// What cannot be an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameError {
    /// Nothing but other bytes.
    Noise,
    /// An answer that is longer than what was asked for.
    TooLong,
}

/// Takes answers out of the bytes as they come.
pub(super) struct Framer {
    begin: Vec<u8>,
    end: Vec<u8>,
    buffer: Vec<u8>,
    words: Option<Vec<String>>,
    /// The end was looked for up to here.
    searched: usize,
    noise: usize,
}

impl Framer {
    pub(super) fn new(mark: &str) -> Self {
        Self {
            begin: format!("{mark} ").into_bytes(),
            end: format!("\n{mark} end\n").into_bytes(),
            buffer: Vec::new(),
            words: None,
            searched: 0,
            noise: 0,
        }
    }

    /// Takes bytes and returns the answer that they complete, of at most `len_max` bytes.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        len_max: usize,
    ) -> Result<Option<Frame>, FrameError> {
        self.buffer.extend_from_slice(bytes);
        if !self.find_words()? {
            return Ok(None);
        }
        let rest = self.buffer.get(self.searched..).unwrap_or(&[]);
        let Some(at) = memchr::memmem::find(rest, &self.end) else {
            self.searched = self.buffer.len().saturating_sub(self.end.len());
            return if self.searched > len_max {
                Err(FrameError::TooLong)
            } else {
                Ok(None)
            };
        };
        let len = self.searched + at;
        let mut bytes = std::mem::take(&mut self.buffer);
        self.buffer = bytes.split_off((len + self.end.len()).min(bytes.len()));
        bytes.truncate(len);
        self.searched = 0;
        self.noise = 0;
        let words = self.words.take().unwrap_or_default();
        Ok(Some(Frame {
            words,
            bytes,
            is_whole: true,
        }))
    }

    /// Returns what had arrived of an answer when the connection ended, without what may have been
    /// the beginning of its last line.
    pub(super) fn cut(&mut self) -> Option<Frame> {
        let words = self.words.take()?;
        let mut bytes = std::mem::take(&mut self.buffer);
        let begun = (1..=self.end.len().min(bytes.len()))
            .rev()
            .find(|len| self.end.get(..*len).is_some_and(|end| bytes.ends_with(end)));
        bytes.truncate(bytes.len() - begun.unwrap_or(0));
        Some(Frame {
            words,
            bytes,
            is_whole: false,
        })
    }

    /// Finds the first line of the next answer and drops what stands before it.
    fn find_words(&mut self) -> Result<bool, FrameError> {
        if self.words.is_some() {
            return Ok(true);
        }
        let Some(at) = memchr::memmem::find(&self.buffer, &self.begin) else {
            let kept = self.begin.len().min(self.buffer.len());
            return self.drop_noise(self.buffer.len() - kept).map(|()| false);
        };
        self.drop_noise(at)?;
        let line = self.buffer.get(self.begin.len()..).unwrap_or(&[]);
        let Some(len) = memchr::memchr(b'\n', line) else {
            return if line.len() > WORDS_LEN_MAX {
                Err(FrameError::Noise)
            } else {
                Ok(false)
            };
        };
        let text = String::from_utf8_lossy(line.get(..len).unwrap_or(&[])).into_owned();
        self.words = Some(text.split_whitespace().map(str::to_owned).collect());
        self.buffer.drain(..=self.begin.len() + len);
        Ok(true)
    }

    fn drop_noise(&mut self, len: usize) -> Result<(), FrameError> {
        self.buffer.drain(..len);
        self.noise += len;
        if self.noise > NOISE_LEN_MAX {
            return Err(FrameError::Noise);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MARK: &str = "m4rk";

    fn frames(bytes: &[u8], step: usize) -> Result<Vec<Frame>, FrameError> {
        let mut framer = Framer::new(MARK);
        let mut found = Vec::new();
        for chunk in bytes.chunks(step) {
            let mut next = framer.push(chunk, 1_000)?;
            while let Some(frame) = next {
                found.push(frame);
                next = framer.push(&[], 1_000)?;
            }
        }
        Ok(found)
    }

    #[test]
    fn what_stands_before_the_mark_is_no_data() {
        let text = b"Welcome!\r\n*** m4rk? m4rkx ***\n\nm4rk ready 17\n\nm4rk end\nbye\r\nm4rk list ok\na\nb\n\nm4rk end\n";
        for step in 1..text.len() {
            let found = frames(text, step).unwrap();
            assert_eq!(found.len(), 2);
            assert_eq!(found[0].words, ["ready", "17"]);
            assert_eq!(found[1].words, ["list", "ok"]);
            assert_eq!(found[1].bytes, b"a\nb\n");
        }
    }

    #[test]
    fn endless_noise_and_endless_answers_are_refused() {
        let noise = vec![b'y'; NOISE_LEN_MAX + 100];
        assert_eq!(frames(&noise, 4_096), Err(FrameError::Noise));
        let long = [&b"m4rk fetch ok\n"[..], &[b'x'; 3_000]].concat();
        assert_eq!(frames(&long, 100), Err(FrameError::TooLong));
        let words = [&b"m4rk "[..], &[b'x'; 3_000]].concat();
        assert_eq!(frames(&words, 100), Err(FrameError::Noise));
    }

    #[test]
    fn a_cut_answer_keeps_only_bytes_that_are_its_own() {
        let text = b"m4rk fetch ok\none\ntwo\n\nm4rk end\n";
        for end in 14..text.len() {
            let mut framer = Framer::new(MARK);
            assert_eq!(framer.push(&text[..end], 1_000), Ok(None));
            let frame = framer.cut().unwrap();
            assert!(b"one\ntwo\n".starts_with(&frame.bytes), "{end}");
            assert!(frame.bytes.len() + 2 >= (end - 14).min(8), "{end}");
        }
        assert_eq!(Framer::new(MARK).cut(), None);
    }

    proptest! {
        #[test]
        fn any_bytes_arrive_as_they_are(
            bodies in prop::collection::vec(prop::collection::vec(prop::sample::select(&b"m4rk end\n\r\0x"[..]), 0..60), 1..4),
            noise in prop::collection::vec(any::<u8>(), 0..40),
            step in 1..50_usize,
        ) {
            let mut text = noise;
            for body in &bodies {
                text.extend_from_slice(b"\nm4rk fetch ok\n");
                text.extend_from_slice(body);
                text.extend_from_slice(b"\nm4rk end\n");
            }
            let is_unlucky = bodies.iter().any(|body| {
                let end = b"\nm4rk end\n";
                [&body[..], &end[..end.len() - 1]].concat().windows(end.len()).any(|part| part == end)
            });
            prop_assume!(!is_unlucky);
            let found = frames(&text, step).unwrap();
            let found: Vec<Vec<u8>> = found.into_iter().map(|frame| frame.bytes).collect();
            prop_assert_eq!(found, bodies);
        }

        #[test]
        fn d27_no_bytes_make_the_framer_panic(
            pieces in prop::collection::vec(prop_oneof![
                prop::sample::select(vec![&b"\nm fetch ok\n"[..], b"\nm end\n", b"m ", b"\n", b"\r\n", b"m seen 1 2 3\n"])
                    .prop_map(<[u8]>::to_vec),
                prop::collection::vec(any::<u8>(), 0..40),
            ], 0..20),
            step in 1..20_usize,
        ) {
            let mut framer = Framer::new("m");
            let bytes = pieces.concat();
            for chunk in bytes.chunks(step) {
                let _ = framer.push(chunk, 50);
            }
            let _ = framer.cut();
        }
    }
}
