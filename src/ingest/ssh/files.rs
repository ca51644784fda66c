//! The disk of another host, as the follower sees it.
//!
//! Every pass asks for each folder once; what the follower then wants to know of names, sizes and times is
//! answered from that. A file is known by its device and inode, not by its name, so that an open one is
//! still found after a rename.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ingest::discover::stem;
use crate::ingest::files::{Files, OpenFile};
use crate::ingest::identity::{FileId, FileKind, HEAD_LEN_MAX, Seen};
use crate::model::Timestamp;

use super::connection::{Connection, LIST_LEN_MAX, Loss};
use super::frame::Frame;

/// The unit in which bytes are asked for.
const BLOCK_LEN: usize = 64 * 1024;
/// The most blocks of one answer.
const BLOCKS_MAX: usize = 16;
/// How many files' first bytes are remembered.
const HEADS_MAX: usize = 4_096;
/// How often a read looks for a file again that was renamed just then.
const TRIES_MAX: usize = 3;

/// The names in a folder that begin with a text.
type Place = (PathBuf, String);

/// A host behind a connection, shared by the follower and the files it has open.
#[derive(Clone)]
pub(super) struct RemoteFiles(Arc<Mutex<Host>>);

struct Host {
    connection: Connection,
    /// What the follower has asked for so far.
    places: Vec<Place>,
    /// What is there, as of this pass; `None`: it cannot be listed.
    listings: HashMap<Place, Result<BTreeMap<String, Seen>, io::ErrorKind>>,
    /// The last bytes that came.
    stretch: Stretch,
    /// The first bytes of files, with what the file was then.
    heads: HashMap<FileId, (Seen, Vec<u8>)>,
}

/// Bytes of a file as they stood in one pass.
#[derive(Default)]
struct Stretch {
    seen: Option<Seen>,
    from: u64,
    bytes: Vec<u8>,
}

impl RemoteFiles {
    pub(super) fn new(connection: Connection) -> Self {
        Self(Arc::new(Mutex::new(Host {
            connection,
            places: Vec::new(),
            listings: HashMap::new(),
            stretch: Stretch::default(),
            heads: HashMap::new(),
        })))
    }

    /// Forgets what the last pass saw.
    pub(super) fn begin_pass(&self) {
        let mut host = self.host();
        host.listings.clear();
        host.stretch = Stretch::default();
    }

    /// Tells whether an answer is missing, so that the follower may have been told a falsehood.
    pub(super) fn is_lost(&self) -> bool {
        self.host().connection.is_lost()
    }

    /// Ends the connection and returns why it was lost; the follower must be gone.
    pub(super) fn into_loss(self) -> Option<Loss> {
        let host = Arc::into_inner(self.0)?;
        let host = host.into_inner().unwrap_or_else(PoisonError::into_inner);
        Some(host.connection.into_loss())
    }

    fn host(&self) -> MutexGuard<'_, Host> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files for RemoteFiles {
    fn look(&mut self, path: &Path) -> io::Result<Seen> {
        self.host().look(path)
    }

    fn names(&mut self, folder: &Path, prefix: &str) -> Vec<String> {
        let mut host = self.host();
        let Ok(listing) = host.listing(folder, prefix) else {
            return Vec::new();
        };
        let names = listing.keys();
        names
            .filter(|name| name.starts_with(prefix))
            .cloned()
            .collect()
    }

    /// Patterns over several folders are refused where sources are read.
    fn folders(&mut self, _: &Path) -> Vec<String> {
        Vec::new()
    }

    fn open(&mut self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        let mut host = self.host();
        let seen = host.look(path)?;
        if seen.kind != FileKind::Regular {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if seen.size > 0 {
            // Whether it may be read shows only by reading.
            host.read(seen.id, &mut [0], 0)?;
        }
        Ok(Box::new(RemoteFile {
            host: Arc::clone(&self.0),
            id: seen.id,
        }))
    }

    fn clock(&self, wall: Timestamp) -> Timestamp {
        Timestamp(wall.0 + self.host().connection.clock_ahead_s * 1_000_000)
    }

    fn is_near(&self) -> bool {
        false
    }
}

/// A file on the host, wherever it stands.
struct RemoteFile {
    host: Arc<Mutex<Host>>,
    id: FileId,
}

impl OpenFile for RemoteFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut host = self.host.lock().unwrap_or_else(PoisonError::into_inner);
        host.read(self.id, buffer, offset)
    }

    fn seen(&self) -> io::Result<Seen> {
        let host = self.host.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, seen) = host.find(self.id).ok_or(io::ErrorKind::NotFound)?;
        Ok(seen)
    }
}

impl Host {
    fn look(&mut self, path: &Path) -> io::Result<Seen> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let name = name.to_str().ok_or(io::ErrorKind::NotFound)?;
        // What stands beside it under the same stem is asked for next.
        let listing = self.listing(folder, stem(name))?;
        let seen = listing.get(name).copied();
        seen.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Returns a listing that holds at least the names in `folder` that begin with `prefix`.
    fn listing(&mut self, folder: &Path, prefix: &str) -> io::Result<&BTreeMap<String, Seen>> {
        let covers = |place: &&Place| place.0 == folder && prefix.starts_with(&place.1);
        let known = self.places.iter().find(covers).cloned();
        let place = known.unwrap_or_else(|| {
            let place = (folder.to_owned(), prefix.to_owned());
            // A wider one takes the place of narrower ones.
            let is_narrower = |other: &Place| other.0 == folder && other.1.starts_with(prefix);
            self.places.retain(|other| !is_narrower(other));
            self.places.push(place.clone());
            place
        });
        if !self.listings.contains_key(&place) {
            let listing = self.list(&place.0, &place.1)?;
            self.listings.insert(place.clone(), listing);
        }
        match self.listings.get(&place) {
            Some(Ok(listing)) => Ok(listing),
            Some(Err(kind)) => Err((*kind).into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn list(
        &mut self,
        folder: &Path,
        prefix: &str,
    ) -> io::Result<Result<BTreeMap<String, Seen>, io::ErrorKind>> {
        let question = format!("list\n{}\n{prefix}\n", folder.display());
        let frame = self.connection.ask(question.as_bytes(), LIST_LEN_MAX)?;
        match second(&frame) {
            "ok" if frame.is_whole => {}
            "ok" => return Err(self.connection.lose("the connection ended")),
            "denied" => return Ok(Err(io::ErrorKind::PermissionDenied)),
            _ => return Ok(Err(io::ErrorKind::NotFound)),
        }
        let text = String::from_utf8_lossy(&frame.bytes);
        if text.lines().any(|line| line == "too many") {
            let reason = "a folder holds too many files: name fewer by a longer beginning";
            return Err(self.connection.lose(reason));
        }
        Ok(Ok(text.lines().filter_map(read_facts).collect()))
    }

    /// Returns where a file stands, as of this pass.
    fn find(&self, id: FileId) -> Option<(PathBuf, Seen)> {
        let listings = self.listings.iter();
        let mut found = listings.filter_map(|((folder, _), listing)| {
            let listing = listing.as_ref().ok()?;
            let (name, seen) = listing.iter().find(|(_, seen)| seen.id == id)?;
            Some((folder.join(name), *seen))
        });
        found.next()
    }

    fn read(&mut self, id: FileId, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        for _ in 0..TRIES_MAX {
            let (path, seen) = self.find(id).ok_or(io::ErrorKind::NotFound)?;
            if offset >= seen.size {
                return Ok(0);
            }
            let len = self.read_remembered(&seen, buffer, offset);
            if len > 0 {
                return Ok(len);
            }
            if self.fetch(&path, &seen, buffer.len(), offset)? {
                return Ok(self.read_remembered(&seen, buffer, offset));
            }
            // Renamed since the listing: it is looked for anew.
            self.listings.clear();
            for (folder, prefix) in self.places.clone() {
                self.listing(&folder, &prefix)?;
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    /// Copies bytes that came before; returns how many.
    fn read_remembered(&self, seen: &Seen, buffer: &mut [u8], offset: u64) -> usize {
        let stretch = &self.stretch;
        let stretch = (stretch.seen == Some(*seen)).then_some((stretch.from, &stretch.bytes));
        let head = self.heads.get(&seen.id);
        let head = head
            .filter(|(then, _)| then == seen)
            .map(|(_, bytes)| (0, bytes));
        for (from, bytes) in [stretch, head].into_iter().flatten() {
            let start = offset
                .checked_sub(from)
                .and_then(|at| usize::try_from(at).ok());
            let rest = start.and_then(|start| bytes.get(start..)).unwrap_or(&[]);
            let len = rest.len().min(buffer.len());
            if let (Some(to), Some(rest)) = (buffer.get_mut(..len), rest.get(..len))
                && len > 0
            {
                to.copy_from_slice(rest);
                return len;
            }
        }
        0
    }

    /// Asks for a file's first bytes and for a stretch from `offset` on; `false`: its path leads
    /// elsewhere by now.
    fn fetch(&mut self, path: &Path, seen: &Seen, len: usize, offset: u64) -> io::Result<bool> {
        let stretch = &self.stretch;
        let is_next = stretch.seen == Some(*seen)
            && stretch.from + u64::try_from(stretch.bytes.len()).unwrap_or(0) == offset;
        let blocks = if is_next {
            BLOCKS_MAX
        } else {
            len.div_ceil(BLOCK_LEN).clamp(1, BLOCKS_MAX)
        };
        let head_len = u64::try_from(HEAD_LEN_MAX).unwrap_or(0);
        let from = offset.max(head_len);
        let question = format!(
            "fetch\n{} {} {HEAD_LEN_MAX} {} {blocks}\n{}\n",
            seen.id.device,
            seen.id.inode,
            from - head_len,
            path.display()
        );
        let len_max = HEAD_LEN_MAX + blocks * BLOCK_LEN;
        let mut frame = self.connection.ask(question.as_bytes(), len_max)?;
        match second(&frame) {
            "ok" => {}
            "denied" => return Err(io::ErrorKind::PermissionDenied.into()),
            _ => return Ok(false),
        }
        let bytes = frame.bytes.split_off(HEAD_LEN_MAX.min(frame.bytes.len()));
        // A head that was cut off on its way would be the head of another file.
        if frame.is_whole || frame.bytes.len() == HEAD_LEN_MAX {
            if self.heads.len() >= HEADS_MAX {
                self.heads.clear();
            }
            self.heads.insert(seen.id, (*seen, frame.bytes));
        }
        self.stretch = Stretch {
            seen: Some(*seen),
            from,
            bytes,
        };
        Ok(true)
    }
}

fn second(frame: &Frame) -> &str {
    frame.words.get(1).map_or("", String::as_str)
}

/// Reads `device inode born links size changed mode ./name/`.
fn read_facts(line: &str) -> Option<(String, Seen)> {
    let mut words = line.splitn(8, ' ');
    let mut number = || words.next()?.parse::<u64>().ok();
    let (device, inode) = (number()?, number()?);
    let (_born, _links, size) = (words.next()?, words.next()?, words.next()?);
    let modified = read_time(words.next()?)?;
    let mode = u32::from_str_radix(words.next()?, 16).ok()?;
    let name = words.next()?.strip_prefix("./")?.strip_suffix('/')?;
    let kind = match mode & 0xf000 {
        0x8000 => FileKind::Regular,
        0x4000 => FileKind::Folder,
        0xc000 => FileKind::Socket,
        // A pipe of another host is as little a file as a device is.
        _ => FileKind::Device,
    };
    let is_name = !name.is_empty() && !name.contains('/');
    let seen = Seen {
        id: FileId { device, inode },
        kind,
        size: size.parse().ok()?,
        modified,
    };
    is_name.then(|| (name.to_owned(), seen))
}

/// Reads seconds with or without a fraction as nanoseconds.
fn read_time(text: &str) -> Option<i128> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    let seconds: i128 = seconds.parse().ok()?;
    Some(seconds * 1_000_000_000 + fraction.parse::<i128>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_from_every_kind_of_stat() {
        let (name, seen) =
            read_facts("65024 17 1795522160 1 588895 1795522160.062439182 81a4 ./r log.1/")
                .unwrap();
        assert_eq!(
            (name.as_str(), seen.size, seen.kind),
            ("r log.1", 588_895, FileKind::Regular)
        );
        assert_eq!(
            seen.id,
            FileId {
                device: 65_024,
                inode: 17
            }
        );
        assert_eq!(seen.modified, 1_795_522_160_062_439_182);
        // busybox, and no stat at all.
        let (_, seen) = read_facts("65024 17 W 2 4096 1795522160 41ed ./rdir/").unwrap();
        assert_eq!(
            (seen.kind, seen.modified),
            (FileKind::Folder, 1_795_522_160_000_000_000)
        );
        assert!(read_facts("0 17 0 1 5 0 8000 ./r.log/").is_some());
    }

    #[test]
    fn broken_facts_are_no_file() {
        for line in [
            "",
            "65024 17 0 1 5 1795522160 81a4 ./r",
            "nl/",
            "65024 17 0 1 5 1795522160 81a4 .//",
            "65024 17 0 1 5 1795522160 81a4 ./a/b/",
            "65024 17 0 1 -5 1795522160 81a4 ./r/",
            "65024 x 0 1 5 1795522160 81a4 ./r/",
            "65024 17 0 1 5 now 81a4 ./r/",
        ] {
            assert!(read_facts(line).is_none(), "{line}");
        }
    }
}
