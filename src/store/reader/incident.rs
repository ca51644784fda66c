//! What goes into an incident file, and what one says of itself.

use super::{ChangesQuestion, Reader};
use crate::model::{Event, Names, Window};
use crate::store::StoreError;
use crate::store::incident::Incident;
use crate::store::whole::load_whole;
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

    /// Hands every request of a window, as it is counted, and every marker to `visit`. A correction that a request got
    /// through its session comes as its own: it may have been made after the window, and the request that it would be
    /// taken for there is not among them.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or is damaged, and what `visit` returns.
    pub fn visit_counted<E: From<StoreError>>(
        &mut self,
        window: Window,
        mut visit: impl FnMut(&Event, &Names) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut zones: Vec<(i64, i64)> = Vec::new();
        self.connection
            .execute_batch("BEGIN")
            .map_err(StoreError::from)?;
        let visited = self
            .zones(window, &mut zones)
            .map_err(E::from)
            .and_then(|()| {
                for (first, last) in zones {
                    for (_, stored) in load_whole(&self.connection, first, last)? {
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

    fn zones(&mut self, window: Window, zones: &mut Vec<(i64, i64)>) -> Result<(), StoreError> {
        load_names(&self.connection, &mut self.names)?;
        let mut select = self.connection.prepare(
            "SELECT first_row,last_row FROM zone WHERE ts_max>=?1 AND ts_min<?2 ORDER BY first_row",
        )?;
        let found = select.query_map([window.from.0, window.to.0], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        for zone in found {
            zones.push(zone?);
        }
        Ok(())
    }
}
