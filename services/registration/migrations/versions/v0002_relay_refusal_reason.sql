-- Why the relay does not publish: the topic has events that this register never wrote (a restored backup). NULL if it
-- publishes.
alter table register add column refused text, add column refused_at timestamptz;
