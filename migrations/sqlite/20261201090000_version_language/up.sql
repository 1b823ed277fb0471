-- A version is frozen with the language of its messages, which its times, sums and greetings follow.
ALTER TABLE automation_versions ADD COLUMN language TEXT NOT NULL DEFAULT 'en';
