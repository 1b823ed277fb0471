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

UPDATE contact_addresses SET proof = 'relay'
WHERE kind = 'email' AND (tenant_id, value) IN (
    SELECT tenant_id, lower(reply_to) FROM leads WHERE reply_to IS NOT NULL
);

UPDATE contact_addresses SET added_at = (
    SELECT created_at FROM contacts
    WHERE contacts.tenant_id = contact_addresses.tenant_id AND contacts.id = contact_addresses.contact_id
);
