-- What hashes and signatures are made with, sealed, where that is no longer the master key itself: it was rotated.
ALTER TABLE key_checks ADD COLUMN root BYTEA;
