-- Why the relay sends nothing: the topic holds what this register never wrote (a restored register), or NULL.
ALTER TABLE register ADD COLUMN refused text, ADD COLUMN refused_at timestamptz;
