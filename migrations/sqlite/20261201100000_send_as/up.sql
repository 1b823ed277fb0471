-- The addresses that a mailbox may send from are the business's own (src/domain/message/author.rs).
ALTER TABLE connections ADD COLUMN send_as TEXT;
