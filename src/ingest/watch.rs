//! The follower's paths: which there are, what stands at them, and which generation stands where.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::{GenerationState, Micros};

use super::catalogue::Known;
use super::discover::expand;
use super::follow::Follower;
use super::identity::{FileId, FileKind, Seen};
use super::pass::{Now, Out};
use super::pipe::Pipe;
use super::place::new_generation;
use super::tracked::{WAITING, Watched, mark};
use super::work::Work;
use super::{IngestError, SourceSpec};

/// How often folders and patterns are looked through.
const DISCOVER_EVERY: Micros = Micros(900_000);
/// How long a path of a folder or pattern is looked at while there is no file.
const MISSING_MAX: Micros = Micros(60_000_000);
/// With more paths than that, only those that files leave are looked beside.
const FOLDER_PATHS_MAX: usize = 256;
/// Of how many paths whose files were all read the neighbourhood is looked through at the start.
const DEPARTED_MAX: usize = 64;
/// The longest pause between tries to open an unreadable file.
const RETRY_MAX: Micros = Micros(30_000_000);

impl Follower {
    /// Expands the sources: at the start, then about once a second.
    pub(super) fn discover(&mut self, now: Now, out: &mut dyn Out) -> Result<(), IngestError> {
        let is_first = self.discovered.is_none();
        if is_first {
            self.started = now.wall;
        }
        let is_due = self
            .discovered
            .is_none_or(|at| now.elapsed.0.saturating_sub(at.0) >= DISCOVER_EVERY.0);
        if !is_due || (!is_first && !self.is_following) {
            return Ok(());
        }
        self.discovered = Some(now.elapsed);
        self.forget_vanished(now);
        // While a path is empty, a file can come and be renamed away between two passes.
        if self.catalogue.len() > 0 {
            let away = self.watched.values().filter(|at| at.state == WAITING);
            self.rescan.extend(away.map(|at| at.path.clone()));
        }
        for spec in self.specs.clone() {
            let label = spec.label();
            if spec == SourceSpec::Stdin {
                if is_first {
                    self.open_pipe(label, || Ok(Box::new(io::stdin())), now, out)?;
                }
                continue;
            }
            let found = expand(self.files.as_ref(), &spec);
            if found.is_empty() && is_first && !self.is_following {
                return Err(IngestError::NoMatch { pattern: label });
            }
            for path in found {
                let is_named = matches!(&spec, SourceSpec::File(named) if *named == path);
                self.watch(path, &label, is_named);
            }
            if is_first && matches!(spec, SourceSpec::Glob(_)) {
                self.watch_departed(&label);
            }
        }
        Ok(())
    }

    fn watch(&mut self, path: PathBuf, label: &str, is_named: bool) {
        if self.watched.contains_key(&path) {
            return;
        }
        if self.catalogue.len() > 0 && self.leaves_siblings(&path) {
            // The file may have been renamed away while nobody looked.
            self.rescan.insert(path.clone());
        }
        self.watched.insert(
            path.clone(),
            Watched {
                label: label.to_owned(),
                path,
                is_named,
                state: WAITING,
                retry_at: Micros(0),
                retry_pause: Micros::SECOND,
                missing_since: None,
            },
        );
    }

    /// Watches the paths of a pattern that had files in the last runs: what was renamed away since then is
    /// found beside them.
    fn watch_departed(&mut self, label: &str) {
        let ours = |slot: &usize| {
            let known = self.catalogue.get(*slot)?;
            (!known.is_pipe() && known.label == label).then_some((known.is_unfinished(), *slot))
        };
        let mut homes: Vec<((bool, usize), PathBuf)> = self
            .homes_before
            .iter()
            .filter_map(|(home, slots)| Some((slots.iter().filter_map(ours).max()?, home.clone())))
            .collect();
        homes.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
        let finished = |(is_unfinished, _): &(bool, usize)| !is_unfinished;
        let mut room = DEPARTED_MAX;
        for (latest, home) in homes {
            if finished(&latest) {
                if room == 0 {
                    break;
                }
                room -= 1;
            }
            self.watch(home, label, false);
        }
    }

    fn open_pipe(
        &mut self,
        label: String,
        open: impl FnOnce() -> io::Result<Box<dyn io::Read + Send>> + Send + 'static,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        let path = Path::new(&label);
        let new = new_generation(&label, path, FileId::NOWHERE, now.wall);
        let known = Known::new(&new);
        out.send(Work::Open(new))?;
        let slot = self.catalogue.push(known);
        let wake = Arc::clone(&self.wake);
        self.pipes.push(Pipe::start(slot, label, open, wake)?);
        Ok(())
    }

    /// Looks at every path; returns the regular files in order.
    pub(super) fn look(
        &mut self,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<Vec<(PathBuf, Seen)>, IngestError> {
        let mut looks = Vec::new();
        let mut fifos = Vec::new();
        for watched in self.watched.values_mut() {
            let seen = match self.files.look(&watched.path) {
                Ok(seen) => seen,
                Err(cause) => {
                    let is_fatal = !self.is_following && watched.is_named;
                    watched.missing_since.get_or_insert(now.elapsed);
                    watched.state = match cause.kind() {
                        io::ErrorKind::NotFound => WAITING,
                        io::ErrorKind::PermissionDenied => "permission denied",
                        _ => "cannot be opened",
                    };
                    let was_read = self.tracked.iter().any(|at| at.home == watched.path);
                    if is_fatal && !was_read {
                        return Err(no_file(&watched.path, cause));
                    }
                    continue;
                }
            };
            watched.missing_since = None;
            match seen.kind {
                FileKind::Regular if now.elapsed >= watched.retry_at => {
                    looks.push((watched.path.clone(), seen));
                }
                FileKind::Regular => {}
                FileKind::Fifo if watched.is_named => {
                    if watched.state != "reading pipe" {
                        watched.state = "reading pipe";
                        fifos.push(watched.path.clone());
                    }
                }
                FileKind::Folder => watched.state = "folder",
                kind if watched.is_named && !self.is_started => {
                    return Err(IngestError::NotAFile {
                        path: watched.path.clone(),
                        kind: if kind == FileKind::Socket {
                            "socket"
                        } else {
                            "device"
                        },
                    });
                }
                _ => watched.state = "not a file",
            }
        }
        for path in fifos {
            let label = path.to_string_lossy().into_owned();
            // Opened in the pipe's own thread, because opening waits for a writer.
            let open = move || -> io::Result<Box<dyn io::Read + Send>> {
                Ok(Box::new(fs::File::open(path)?))
            };
            self.open_pipe(label, open, now, out)?;
        }
        Ok(looks)
    }

    /// Notes which generations still stand at a watched path, and under which name.
    pub(super) fn place(
        &mut self,
        looks: &[(PathBuf, Seen)],
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), IngestError> {
        let mut by_file: HashMap<FileId, Vec<(&PathBuf, &Seen)>> = HashMap::new();
        for (path, seen) in looks {
            by_file.entry(seen.id).or_default().push((path, seen));
        }
        for at in &mut self.tracked {
            let places = by_file.get(&at.file).map_or(&[][..], Vec::as_slice);
            at.is_at_path = !places.is_empty();
            let Some((first, seen)) = places.first() else {
                continue;
            };
            at.size = seen.size;
            if let Some(watched) = self.watched.get_mut(*first) {
                watched.state = "following";
            }
            if !places.iter().any(|(path, _)| **path == at.path) || at.is_rotated {
                at.is_rotated = false;
                at.idle_since = None;
                at.path.clone_from(first);
                at.home.clone_from(first);
                self.catalogue.moved(at.slot, first, at.file);
                self.catalogue.set_state(at.slot, GenerationState::Open);
                if !at.is_finished {
                    out.send(mark(at, GenerationState::Open, now))?;
                }
            }
        }
        Ok(())
    }

    /// Notes that a file cannot be opened, and when to try again.
    pub(super) fn refuse(
        &mut self,
        path: &Path,
        cause: io::Error,
        now: Now,
    ) -> Result<(), IngestError> {
        let Some(watched) = self.watched.get_mut(path) else {
            return Ok(());
        };
        if cause.kind() == io::ErrorKind::NotFound {
            return Ok(());
        }
        watched.state = if cause.kind() == io::ErrorKind::PermissionDenied {
            "permission denied"
        } else {
            "cannot be opened"
        };
        if !self.is_following && watched.is_named {
            return Err(no_file(path, cause));
        }
        watched.retry_at = Micros(now.elapsed.0.saturating_add(watched.retry_pause.0));
        watched.retry_pause = watched.retry_pause.times(2).min(RETRY_MAX);
        Ok(())
    }

    /// Forgets paths of folders and patterns whose files have been gone for a while: the source finds them
    /// again when they come back.
    fn forget_vanished(&mut self, now: Now) {
        let tracked = &self.tracked;
        self.watched.retain(|path, at| {
            let is_long = at
                .missing_since
                .is_some_and(|since| now.elapsed.0.saturating_sub(since.0) >= MISSING_MAX.0);
            at.is_named || !is_long || tracked.iter().any(|tracked| tracked.home == *path)
        });
    }

    /// Looks through the siblings of every path in a folder whose entries changed: files may have come and
    /// gone between two passes, or been copied there.
    pub(super) fn look_at_folders(&mut self) {
        if self.catalogue.len() == 0 || self.watched.len() > FOLDER_PATHS_MAX {
            return;
        }
        let mut homes: HashMap<PathBuf, Vec<PathBuf>> = HashMap::new();
        for path in self
            .watched
            .keys()
            .filter(|path| self.leaves_siblings(path))
        {
            let folder = path.parent().unwrap_or(Path::new(""));
            homes
                .entry(folder.to_owned())
                .or_default()
                .push(path.clone());
        }
        for (folder, paths) in homes {
            let Ok(modified) = self.files.look(&folder).map(|found| found.modified) else {
                continue;
            };
            let before = self.folders.get(&folder).copied();
            let is_changed = before.is_none_or(|(last, _)| last != modified);
            if is_changed || before.is_some_and(|(_, is_again)| is_again) {
                self.rescan.extend(paths);
            }
            self.folders.insert(folder, (modified, is_changed));
        }
    }

    /// Tells whether rotations may leave files beside a path that no source names: not in a folder, which
    /// is a source as a whole.
    pub(super) fn leaves_siblings(&self, path: &Path) -> bool {
        !self.specs.iter().any(|spec| {
            matches!(spec, SourceSpec::Folder(folder) | SourceSpec::File(folder)
                if path.parent() == Some(folder))
        })
    }
}

fn no_file(path: &Path, cause: io::Error) -> IngestError {
    let path = path.to_owned();
    if cause.kind() == io::ErrorKind::NotFound {
        IngestError::Missing { path }
    } else {
        IngestError::Unreadable { path, cause }
    }
}
