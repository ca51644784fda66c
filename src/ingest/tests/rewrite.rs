//! Files that are cut, rewritten, copied or gone.
