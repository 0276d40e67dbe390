-- Why the relay refuses to publish, such as that the topic has events that this register never wrote, after a restore
-- from a backup. NULL if the relay publishes.
alter table register add column refused text, add column refused_at timestamptz;
