//! The first lines of a source's files, to see what they are without reading them in.

use std::io;
use std::path::{Path, PathBuf};

use super::SourceSpec;
use super::decompress::{Packed, Packing};
use super::discover::expand;
use super::files::{Files, LocalFiles};
use super::reader::Reader;

/// The first whole lines of one file.
#[derive(Debug)]
pub struct Sample {
    /// The file.
    pub path: PathBuf,
    /// Its first bytes up to the last line end among them; of a shorter file all of it.
    pub lines: io::Result<Vec<u8>>,
}

/// Returns how many files a source has now, and samples of the first `files_max` of them, each at most
/// `len_max` bytes.
pub fn sample(spec: &SourceSpec, files_max: usize, len_max: usize) -> (usize, Vec<Sample>) {
    let paths = expand(&LocalFiles, spec);
    let samples = paths.iter().take(files_max).map(|path| Sample {
        path: path.clone(),
        lines: first_lines(path, len_max),
    });
    (paths.len(), samples.collect())
}

fn first_lines(path: &Path, len_max: usize) -> io::Result<Vec<u8>> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::other(
            "not a regular file: only reading it in shows what it holds",
        ));
    }
    let mut reader = if Packing::of(&LocalFiles, path).is_some() {
        Reader::Packed(Packed::open(&LocalFiles, path)?)
    } else {
        Reader::Plain(LocalFiles.open(path)?)
    };
    let mut bytes = vec![0; len_max];
    let len = reader.read(0, &mut bytes)?;
    bytes.truncate(len);
    if len == len_max {
        let end = bytes.iter().rposition(|byte| *byte == b'\n');
        bytes.truncate(end.map_or(len, |end| end + 1));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_end_with_a_line_and_missing_files_say_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("a.jsonl"), "one\ntwo\nthree").unwrap();
        let spec = |path: PathBuf| SourceSpec::parse(path.to_str().unwrap()).unwrap();
        let text = |spec: &SourceSpec, len| {
            let (files, mut samples) = sample(spec, 1, len);
            let lines = samples
                .remove(0)
                .lines
                .map(|bytes| String::from_utf8(bytes).unwrap());
            (files, lines)
        };
        assert_eq!(text(&spec(path("a.jsonl")), 9).1.unwrap(), "one\ntwo\n");
        assert_eq!(
            text(&spec(path("a.jsonl")), 90).1.unwrap(),
            "one\ntwo\nthree"
        );
        let missing = text(&spec(path("none.jsonl")), 9).1.unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        std::fs::write(path("b.jsonl"), "").unwrap();
        let (files, lines) = text(&spec(folder.path().to_owned()), 9);
        assert_eq!((files, lines.unwrap().as_str()), (2, "one\ntwo\n"));
    }
}
