//! What goes into an incident file, and what one says of itself.

use super::{ChangesQuestion, Reader, Stretch};
use crate::model::{Event, Names, Timestamp, Window};
use crate::stats::Filter;
use crate::store::StoreError;
use crate::store::incident::Incident;
use crate::store::writer::load_names;

impl Reader {
    /// Returns which page the database was made to show; `None` when it is no incident file.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or is damaged.
    pub fn incident(&self) -> Result<Option<Incident>, StoreError> {
        Incident::load(&self.connection)
    }

    /// Returns the window that a question is about, also where it says none.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or is damaged.
    pub fn window_of(&mut self, question: &ChangesQuestion) -> Result<Window, StoreError> {
        Ok(self.windows(question)?.0)
    }

    /// Hands every request of a window that the filter holds of at `now`, as it is counted, and every marker to `visit`. A correction that a request got
    /// through its session comes as its own: it may have been made after the window, and the request that it would be
    /// taken for there is not among them.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or is damaged, and what `visit` returns.
    pub fn visit_counted<E: From<StoreError>>(
        &mut self,
        window: Window,
        (filter, now): (&Filter, Timestamp),
        mut visit: impl FnMut(&Event, &Names) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut stretches = Vec::new();
        self.connection
            .execute_batch("BEGIN")
            .map_err(StoreError::from)?;
        let visited = self
            .look_up(window, &mut stretches)
            .map_err(E::from)
            .and_then(|()| {
                let policies = self.policies_for(filter)?;
                let mut sieve = self.sieve(filter, now, &policies)?;
                for stretch in stretches {
                    for (_, stored) in sieve.load_whole(self, stretch)? {
                        if window.contains(stored.request.ts) {
                            let request = Box::new(stored.effective().into_owned());
                            visit(&Event::Request(request), &self.names)?;
                        }
                    }
                }
                let apart = self.apart_from_requests(window, &hashbrown::HashSet::new())?;
                let mut markers = apart
                    .iter()
                    .filter(|event| matches!(event, Event::Marker(_)));
                markers.try_for_each(|marker| visit(marker, &self.names))
            });
        // A read transaction has nothing to lose.
        let _ = self.connection.execute_batch("COMMIT");
        visited
    }

    fn look_up(&mut self, window: Window, stretches: &mut Vec<Stretch>) -> Result<(), StoreError> {
        load_names(&self.connection, &mut self.names)?;
        *stretches = self.stretches(window)?;
        Ok(())
    }
}
