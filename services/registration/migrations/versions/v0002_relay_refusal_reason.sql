-- `refused` is the reason why the relay refuses to publish; NULL if it publishes. For example, after a
-- restore from a backup the topic has events that the register does not have.
alter table register add column refused text, add column refused_at timestamptz;
