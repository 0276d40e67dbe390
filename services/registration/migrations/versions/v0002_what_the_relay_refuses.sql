-- Why the relay sends nothing: the topic holds what this register never wrote (a restored register), or NULL.
alter table register add column refused text, add column refused_at timestamptz;
