-- How an address of a contact has shown that it is theirs, and since when.
ALTER TABLE contact_addresses ADD COLUMN proof TEXT NOT NULL DEFAULT 'claimed';
ALTER TABLE contact_addresses ADD COLUMN added_at BIGINT NOT NULL DEFAULT 0;

UPDATE contact_addresses SET proof = 'wrote'
WHERE kind = 'email' AND EXISTS (
    SELECT 1 FROM messages
    WHERE messages.tenant_id = contact_addresses.tenant_id
      AND messages.contact_id = contact_addresses.contact_id
      AND messages.author = 'contact'
      AND lower(messages.sender) = contact_addresses.value
);
